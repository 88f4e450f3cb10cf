package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/bench/freeport"
)

// front is Catherd and its configuration.
type front struct {
	config string // file
	log    string // file
	state  string // file: what an operator drained is forgotten with the demo
	url    string // where clients go
	admin  string // host:port
	socket string // unix socket when it is not the default one, else ""
	run    *catalina.Process
}

// defaultSocket is where `catherd status` looks without being told.
const defaultSocket = "/run/catherd/admin.sock"

// portsFree names the first port that something listens on already.
func portsFree(wanted ...int) error {
	for _, port := range wanted {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return fmt.Errorf("port %d is taken: %v", port, err)
		}
		l.Close()
	}
	return nil
}

// plan chooses Catherd's ports: 80, or 8000 where 80 is taken or not ours to take.
func plan(dir string, s settings) (*front, error) {
	listen, admin := 80, 8404
	if os.Geteuid() != 0 || portsFree(80) != nil {
		listen = 8000
	}
	if s.anyPorts {
		free, err := freeport.Find("127.0.0.1", 2)
		if err != nil {
			return nil, err
		}
		listen, admin = free[0], free[1]
	} else if err := portsFree(listen, admin); err != nil {
		return nil, fmt.Errorf("catherd: %v (stop what listens there, or use -any-ports)", err)
	}
	p := &front{config: filepath.Join(dir, "catherd.yaml"), log: filepath.Join(dir, "catherd.log"),
		state: filepath.Join(dir, "overrides.json"),
		admin: fmt.Sprintf("127.0.0.1:%d", admin), url: "http://127.0.0.1"}
	if listen != 80 {
		p.url += fmt.Sprintf(":%d", listen)
	}
	// The default socket belongs to an installed Catherd, if there is one.
	if _, err := os.Stat(defaultSocket); err == nil || os.Geteuid() != 0 || s.anyPorts {
		p.socket = filepath.Join(dir, "admin.sock")
	}
	return p, nil
}

// text is the typical configuration for a farm that runs.
func (p *front) text(f *farm) string {
	port := "80"
	if _, after, found := strings.Cut(p.url, "127.0.0.1:"); found {
		port = after
	}
	var b strings.Builder
	fmt.Fprintf(&b, "listen: 127.0.0.1:%s\n\npools:\n  app:\n    balance: least-busy\n", port)
	b.WriteString("    sticky:\n      cookie: JSESSIONID\n      on_loss: move              # the session lives on in its backup node\n")
	b.WriteString("    members:\n")
	for _, n := range f.nodes {
		fmt.Fprintf(&b, "      %s:                   # the key is the jvmRoute\n        url: ajp://%s\n        http: http://%s\n", n.name(), n.ajp(), n.http())
		if port := n.receiver(); port != 0 {
			fmt.Fprintf(&b, "        receiver: 127.0.0.1:%d\n", port)
		}
	}
	b.WriteString("    health:\n      request: /app/status\n")
	if f.group != "" {
		// The Tomcats send over loopback, see catalina.ReferenceGroup.
		fmt.Fprintf(&b, "\ntribes:\n  group: %s\n  interface: lo\n  drop_after: 3s\n", f.group)
	}
	fmt.Fprintf(&b, "\nadmin:\n  listen: %s\n  allow: [127.0.0.1, \"::1\"]\n", p.admin)
	if p.socket != "" {
		fmt.Fprintf(&b, "  socket: %s\n", p.socket)
	}
	return b.String()
}

// startPatience is how long Catherd may take to serve; it needs a fraction of a second.
const startPatience = 15 * time.Second

// start writes the configuration, runs the program and waits until a page comes through.
func (p *front) start(ctx context.Context, program string, f *farm) error {
	if err := os.WriteFile(p.config, []byte(p.text(f)), 0o644); err != nil {
		return fmt.Errorf("write configuration: %v", err)
	}
	path, err := filepath.Abs(program)
	if err != nil {
		return fmt.Errorf("find %q: %v", program, err)
	}
	log, err := os.Create(p.log)
	if err != nil {
		return fmt.Errorf("create log: %v", err)
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(path, "run", "-c", p.config, "--state", p.state)
	cmd.Stdout, cmd.Stderr = log, log
	if p.run, err = catalina.Launch(cmd); err != nil {
		return fmt.Errorf("start catherd: %v (make build)", err)
	}
	if err := p.await(ctx); err != nil {
		p.stop()
		text, _ := os.ReadFile(p.log) // for the message only
		return fmt.Errorf("start catherd: %v; its log:\n%s", err, text)
	}
	return nil
}

func (p *front) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		last := p.probe(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-p.run.Done():
			return fmt.Errorf("the process ended: %v", p.run.Err())
		case <-ctx.Done():
			return fmt.Errorf("%v; last answer: %v", ctx.Err(), last)
		case <-tick.C:
		}
	}
}

func (p *front) probe(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/app/status", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

// stop asks Catherd to drain and leave; after ten seconds it is killed.
func (p *front) stop() {
	if p.run == nil {
		return
	}
	p.run.Signal(syscall.SIGTERM) // one that has ended needs none
	timer := time.NewTimer(10 * time.Second)
	defer timer.Stop()
	select {
	case <-p.run.Done():
	case <-timer.C:
		p.run.Signal(syscall.SIGKILL)
		<-p.run.Done()
	}
	p.run = nil
}
