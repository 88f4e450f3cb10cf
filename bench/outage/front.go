package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"text/template"
	"time"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/bench/freeport"
	"github.com/catherd/catherd/bench/peers"
)

//go:embed conf
var conf embed.FS

// catherd is the one front whose promises are judged.
const catherd = "catherd"

// modules is where Debian keeps httpd's loadable modules.
const modules = "/usr/lib/apache2/modules"

// brand is a balancer this program can run. What it needs on the machine is known to
// package peers, under the name in peer.
type brand struct {
	name, peer string
	files      []string // templates of conf/ that are rendered
	overlay    string   // template that fills in a block of the others
	args       func(dir string) []string
	logs       []string
}

var brands = []brand{
	{name: catherd, peer: "catherd-ajp", files: []string{"catherd.yaml"}, logs: []string{"output", "access.log"},
		args: func(dir string) []string {
			return []string{"run", "-c", filepath.Join(dir, "catherd.yaml"), "--state", "none"}
		}},
	{name: "mod_jk", peer: "mod_jk", files: []string{"httpd.conf", "workers.properties"}, overlay: "mod_jk.conf",
		args: httpdArgs, logs: []string{"output", "error.log", "jk.log"}},
	{name: "mod_proxy_ajp", peer: "mod_proxy_ajp", files: []string{"httpd.conf"}, overlay: "mod_proxy_ajp.conf",
		args: httpdArgs, logs: []string{"output", "error.log"}},
	{name: "haproxy", peer: "haproxy", files: []string{"haproxy.cfg"}, logs: []string{"output"},
		args: func(dir string) []string { return []string{"-db", "-f", filepath.Join(dir, "haproxy.cfg")} }},
}

func httpdArgs(dir string) []string {
	return []string{"-f", filepath.Join(dir, "httpd.conf"), "-DFOREGROUND"}
}

func frontNames() (names []string) {
	for _, b := range brands {
		names = append(names, b.name)
	}
	return names
}

// front is a balancer that runs.
type front struct {
	brand
	dir     string
	addr    string // host:port where clients go
	version string // the product's own word
	run     *catalina.Process
}

// seen is what a template may name.
type seen struct {
	Dir, Modules, Listen, Admin, Group string
	Members                            []*catalina.Tomcat
	Discover, Alone, Root              bool
	Offset, Cores                      int
}

// startPatience is how long a front may take to serve; with -discover Catherd has to hear
// the members first.
const startPatience = 20 * time.Second

// startFront writes the configuration into dir, runs the program and returns when every
// member has answered through it. Nobody but that program is signalled by stop.
func startFront(ctx context.Context, dir string, s settings, f *farm) (*front, error) {
	var b brand
	for _, b = range brands {
		if b.name == s.front {
			break
		}
	}
	kind, err := peers.Find(b.peer)
	if err != nil {
		return nil, err
	}
	if err := kind.Missing(s.catherd); err != nil {
		return nil, err
	}
	program, err := kind.Program(s.catherd)
	if err != nil {
		return nil, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return nil, err
	}
	at, err := freeport.Addresses("127.0.0.1", 2)
	if err != nil {
		return nil, err
	}
	fr := &front{brand: b, dir: dir, addr: at[0], version: kind.Version(s.catherd)}
	v := seen{Dir: dir, Modules: modules, Listen: fr.addr, Admin: at[1],
		Group: fmt.Sprintf("%s:%d", f.group.Group, f.group.Port), Members: f.tomcats,
		Discover: s.discover, Alone: s.alone, Root: os.Geteuid() == 0, Offset: ajpOffset, Cores: runtime.NumCPU()}
	if err := b.write(v); err != nil {
		return nil, err
	}
	if err := fr.launch(program); err != nil {
		return nil, err
	}
	if err := catalina.Poll(ctx, startPatience, func() error { return fr.serves(ctx, f.names()) }); err != nil {
		err = fmt.Errorf("start %s: %v; it says:\n%s", s.front, err, fr.tail(4000))
		fr.stop()
		return nil, err
	}
	return fr, nil
}

// write renders the templates into the folder.
func (b *brand) write(v seen) error {
	// httpd's workers give up root and read here, too. Nothing in it is secret.
	if err := os.Chmod(v.Dir, 0o755); err != nil {
		return err
	}
	for _, file := range b.files {
		names := []string{"conf/" + file}
		if b.overlay != "" {
			names = append(names, "conf/"+b.overlay)
		}
		t, err := template.ParseFS(conf, names...)
		if err != nil {
			return fmt.Errorf("read template %q: %v", file, err)
		}
		var text bytes.Buffer
		if err := t.ExecuteTemplate(&text, file, v); err != nil {
			return fmt.Errorf("fill in template %q: %v", file, err)
		}
		if err := os.WriteFile(filepath.Join(v.Dir, file), text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write configuration: %v", err)
		}
	}
	return nil
}

func (f *front) launch(program string) error {
	output, err := os.Create(f.file("output"))
	if err != nil {
		return fmt.Errorf("create log: %v", err)
	}
	defer output.Close() // the child has its own descriptor
	cmd := exec.Command(program, f.args(f.dir)...)
	cmd.Dir = f.dir
	cmd.Stdout, cmd.Stderr = output, output
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", "HOME=" + f.dir}
	if f.run, err = catalina.Launch(cmd); err != nil {
		return fmt.Errorf("start %s: %v", f.name, err)
	}
	return nil
}

func (f *front) file(name string) string { return filepath.Join(f.dir, name) }

// serves asks as newcomers do until every member has answered, at most a hundred times.
func (f *front) serves(ctx context.Context, names []string) error {
	select {
	case <-f.run.Done():
		return fmt.Errorf("the process ended: %v", f.run.Err())
	default:
	}
	missing := make(map[string]bool)
	for _, name := range names {
		missing[name] = true
	}
	for range 100 {
		node, err := f.ask(ctx)
		if err != nil {
			return err
		}
		if delete(missing, node); len(missing) == 0 {
			return nil
		}
	}
	return fmt.Errorf("%d of %d members never answered", len(missing), len(names))
}

// ask makes one request without a session and tells who answered.
func (f *front) ask(ctx context.Context) (node string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.addr+"/app/status.jsp", nil)
	if err != nil {
		return "", err
	}
	web := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := web.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	return resp.Header.Get("X-Node"), nil
}

// stop ends the program and waits; after ten seconds it is killed with its workers, whose
// process group is its own.
func (f *front) stop() {
	f.run.Signal(syscall.SIGTERM) // one that has ended needs none
	timer := time.NewTimer(10 * time.Second)
	defer timer.Stop()
	select {
	case <-f.run.Done():
		return
	case <-timer.C:
	}
	// The number cannot be another's: the process that gave it was not collected yet.
	syscall.Kill(-f.run.PID, syscall.SIGKILL)
	<-f.run.Done()
}

// tail is the end of everything it has written but the access log.
func (f *front) tail(limit int) string {
	var all bytes.Buffer
	for _, name := range f.logs {
		if name == "access.log" {
			continue
		}
		text, err := os.ReadFile(f.file(name))
		if err != nil || len(text) == 0 {
			continue // not every product has written all of its files
		}
		fmt.Fprintf(&all, "--- %s ---\n%s\n", name, text[max(0, len(text)-limit):])
	}
	return all.String()
}
