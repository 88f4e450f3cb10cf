package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/bench/freeport"
)

// keep is how many idle connections a member may have; the verdict on descriptors needs
// a small number.
const keep = 8

// front is the Catherd process.
type front struct {
	dir           string
	listen, admin string // host:port
	farm          []member
	http          bool
	run           *catalina.Process
}

func newFront(dir string, farm []member, http bool) (*front, error) {
	at, err := freeport.Addresses("127.0.0.1", 2)
	if err != nil {
		return nil, err
	}
	return &front{dir: dir, listen: at[0], admin: at[1], farm: farm, http: http}, nil
}

func (f *front) file(name string) string { return filepath.Join(f.dir, name) }

// text is the configuration. Every round has other weights and time-outs. Those of
// connecting and pinging are long: a machine that stands still for seconds has not
// killed a member.
func (f *front) text(round int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "listen: %s\nlimits:\n  idle_timeout: 120s\npools:\n  app:\n    balance: least-busy\n", f.listen)
	b.WriteString("    sticky:\n      cookie: JSESSIONID\n      on_loss: move\n")
	fmt.Fprintf(&b, "    timeouts:\n      connect: %dms\n      first_byte: %ds\n      between_bytes: %ds\n",
		10_000+round%7*100, 60+round%5, 60+round%3)
	fmt.Fprintf(&b, "    connections:\n      keep: %d\n      keep_for: 5s\n", keep)
	b.WriteString("    ping:\n      timeout: 10s\n    health:\n      every: 5s\n      cping: 5s\n      request: /app/status\n    members:\n")
	for i, m := range f.farm {
		fmt.Fprintf(&b, "      %s:\n        url: %s\n        weight: %d\n", m.name(), m.url(f.http), 1+(round+i)%3)
	}
	fmt.Fprintf(&b, "admin:\n  listen: %s\n  socket: %s\n", f.admin, f.file("admin.sock"))
	fmt.Fprintf(&b, "access_log:\n  to: %s\n  format: json\nshutdown:\n  drain: 10s\n", f.file(accessLog))
	return b.String()
}

// write puts the configuration of a round in place, at once and whole.
func (f *front) write(round int) error {
	next := f.file("next.yaml")
	if err := os.WriteFile(next, []byte(f.text(round)), 0o644); err != nil {
		return err
	}
	return os.Rename(next, f.file("catherd.yaml"))
}

// start runs the program and waits until a page comes through.
func (f *front) start(ctx context.Context, program string) error {
	if err := f.write(0); err != nil {
		return fmt.Errorf("write configuration: %v", err)
	}
	path, err := filepath.Abs(program)
	if err != nil {
		return fmt.Errorf("find %q: %v", program, err)
	}
	log, err := os.Create(f.file("catherd.log"))
	if err != nil {
		return fmt.Errorf("create log: %v", err)
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(path, "run", "-c", f.file("catherd.yaml"), "--state", "none")
	cmd.Stdout, cmd.Stderr = log, log
	if f.run, err = catalina.Launch(cmd); err != nil {
		return fmt.Errorf("start catherd: %v (make build)", err)
	}
	ready := func() error { return f.serves(ctx) }
	if err := catalina.Poll(ctx, 15*time.Second, ready); err != nil {
		return fmt.Errorf("start catherd: %v; its log ends:\n%s", err, f.tail())
	}
	return nil
}

// serves asks for a page and for the metrics.
func (f *front) serves(ctx context.Context) error {
	select {
	case <-f.run.Done():
		return fmt.Errorf("the process ended: %v", f.run.Err())
	default:
	}
	if _, err := fetch(ctx, "http://"+f.listen+"/app/status"); err != nil {
		return err
	}
	_, err := f.metrics(ctx)
	return err
}

// gone is closed when the process has ended.
func (f *front) gone() <-chan struct{} { return f.run.Done() }

// reload puts the configuration of a round into use.
func (f *front) reload(round int) error {
	if err := f.write(round); err != nil {
		return err
	}
	return f.run.Signal(syscall.SIGHUP)
}

// stop drains Catherd and returns how it ended, nil for exit status 0.
func (f *front) stop() error {
	if f.run == nil {
		return nil
	}
	f.run.Signal(syscall.SIGTERM) // one that has ended needs none
	timer := time.NewTimer(20 * time.Second)
	defer timer.Stop()
	select {
	case <-f.run.Done():
		return f.run.Err()
	case <-timer.C:
		f.run.Signal(syscall.SIGKILL)
		<-f.run.Done()
		return errors.New("still there 20 s after SIGTERM")
	}
}

// tail is the end of its log.
func (f *front) tail() string { return catalina.Tail(f.file("catherd.log")) }

// metrics are the numbers of /metrics by name with labels, as written there.
func (f *front) metrics(ctx context.Context) (map[string]float64, error) {
	text, err := fetch(ctx, "http://"+f.admin+"/metrics")
	if err != nil {
		return nil, err
	}
	m := make(map[string]float64)
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); ok && err == nil {
			m[name] = n
		}
	}
	return m, nil
}

// up tells whether Catherd gives work to a member.
func (f *front) up(ctx context.Context, m member) error {
	numbers, err := f.metrics(ctx)
	if err != nil {
		return err
	}
	if name := fmt.Sprintf("catherd_member_up{member=%q,pool=\"app\"}", m.name()); numbers[name] != 1 {
		return fmt.Errorf("%s is not 1", name)
	}
	return nil
}

func fetch(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	web := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := web.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: status %d: %s", url, resp.StatusCode, text)
	}
	return string(text), err
}
