package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/catherd/catherd/bench/freeport"
	"github.com/catherd/catherd/bench/load"
)

// Bounds on how long a proxy may take to begin and to end.
const (
	startLimit = 15 * time.Second
	stopLimit  = 10 * time.Second
)

// Peer is a running proxy.
type Peer struct {
	Kind  Kind
	PID   int // the process started; workers are its descendants
	Addr  netip.AddrPort
	Ready time.Duration // from starting the process to the end of its first good answer

	cmd   *exec.Cmd
	began time.Time // just before the process was started
	dir   string
	grace time.Duration // from SIGTERM to SIGKILL
	ended chan struct{} // closed when the process was waited for
}

// Start runs a proxy and returns once it has answered the request as expected.
func (k Kind) Start(ctx context.Context, s Setup, request []byte, expect load.Expect) (*Peer, error) {
	if err := k.Missing(s.Catherd); err != nil {
		return nil, err
	}
	program, err := k.Program(s.Catherd)
	if err != nil {
		return nil, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "catherd-bench-"+k.Name+"-")
	if err != nil {
		return nil, fmt.Errorf("make directory for %s: %w", k.Name, err)
	}
	if k.source != "" {
		if program, err = k.build(program, dir); err != nil {
			_ = os.RemoveAll(dir)
			return nil, err
		}
	}
	p := &Peer{Kind: k, dir: dir, grace: stopLimit, ended: make(chan struct{})}
	if err := p.launch(s, program); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	if err := p.await(ctx, request, expect); err != nil {
		err = fmt.Errorf("start %s: %w\n%s", k.Name, err, p.said())
		p.Stop()
		return nil, err
	}
	return p, nil
}

func (p *Peer) launch(s Setup, program string) error {
	at, err := freeport.Addresses("127.0.0.1", 2)
	if err != nil {
		return err
	}
	p.Addr = netip.MustParseAddrPort(at[0])
	files, err := p.Kind.render(p.Kind.values(s, p.dir, p.Addr, netip.MustParseAddrPort(at[1])))
	if err != nil {
		return err
	}
	// Workers that gave up root read here too. There is nothing secret in it.
	if err := os.Chmod(p.dir, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(p.dir, name), text, 0o644); err != nil {
			return fmt.Errorf("write configuration of %s: %w", p.Kind.Name, err)
		}
	}
	output, err := os.Create(filepath.Join(p.dir, "output"))
	if err != nil {
		return err
	}
	defer func() { _ = output.Close() }()
	p.cmd = exec.Command(program, p.Kind.args(program, p.dir)...)
	p.cmd.Dir = p.dir
	p.cmd.Stdout, p.cmd.Stderr = output, output
	p.cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", "HOME=" + p.dir}
	// Its own group: a Ctrl-C at the terminal is ours to hand on, and Stop can
	// end all of it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("run %s: %w", p.Kind.Name, err)
	}
	p.PID = p.cmd.Process.Pid
	// Ends with the process.
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	return nil
}

// await asks again and again until the answer is right.
func (p *Peer) await(ctx context.Context, request []byte, expect load.Expect) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for {
		err := p.try(ctx, request, expect)
		if err == nil {
			p.Ready = time.Since(p.began)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no good answer within %s, last: %w", startLimit, err)
		case <-p.ended:
			return errors.New("the process ended: " + p.cmd.ProcessState.String())
		case <-again.C:
		}
	}
}

func (p *Peer) try(ctx context.Context, request []byte, expect load.Expect) error {
	var d net.Dialer
	d.SetMultipathTCP(false)
	conn, err := d.DialContext(ctx, "tcp4", p.Addr.String())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return load.Exchange(conn, request, expect)
}

// said is the end of what the proxy printed and logged.
func (p *Peer) said() string {
	var b strings.Builder
	for _, name := range []string{"output", "error.log", "jk.log"} {
		text, err := os.ReadFile(filepath.Join(p.dir, name))
		if err != nil || len(text) == 0 {
			continue
		}
		fmt.Fprintf(&b, "--- %s ---\n%s\n", name, text[max(0, len(text)-2000):])
	}
	return b.String()
}

// Running says whether the process is still there.
func (p *Peer) Running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Stop ends the proxy, waits for it and removes its directory. It may be called
// twice.
func (p *Peer) Stop() {
	if p.Running() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		if !p.endsWithin(p.grace) {
			// Its process group, workers included, in one go. The number cannot
			// be another's: the process that gave it was not waited for.
			_ = syscall.Kill(-p.PID, syscall.SIGKILL)
			<-p.ended
		}
	}
	_ = os.RemoveAll(p.dir)
}

func (p *Peer) endsWithin(d time.Duration) bool {
	limit := time.NewTimer(d)
	defer limit.Stop()
	select {
	case <-p.ended:
		return true
	case <-limit.C:
		return false
	}
}
