package upstream

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/dataplane/evloop"
	"github.com/catherd/catherd/dataplane/table"
)

// Kept connections that the member has ended are closed when that is told, on loops
// as elsewhere; those in use and those of a member that lives stay.
func TestDropEnded(t *testing.T) {
	s := startDeaf(t)
	l, p, m, cfg := setupOnLoop(t, s.ln.Addr().String(), table.Conns{Max: 9, Keep: 9})
	var mine []*Conn
	for range 3 {
		mine = append(mine, get(t, p, m, cfg, Want{Now: now()}))
	}
	inTask(t, l, func(tk *evloop.Task) {
		var own []*Conn
		for range 3 {
			c, f := p.Acquire(m, cfg, Want{Now: now(), Task: tk})
			if !f.OK() {
				t.Errorf("acquire: %s", f.Text)
				return
			}
			own = append(own, c)
		}
		for _, c := range own {
			p.Release(c, cfg, true, now())
		}
	})
	for _, c := range mine[:2] {
		p.Release(c, cfg, true, now())
	}
	if n := p.DropEnded(cfg, now()); n != 0 || m.Live.Idle.Load() != 5 {
		t.Fatalf("of a member that lives %d are dropped, %d are idle", n, m.Live.Idle.Load())
	}
	until(t, "six connections", func() bool { return s.kept() == 6 })
	s.hangUp()
	dropped := 0
	until(t, "all five are dropped", func() bool {
		dropped += p.DropEnded(cfg, now())
		return dropped == 5
	})
	if m.Live.Idle.Load() != 0 || m.Live.Open.Load() != 1 || p.inUse.Load() != 1 || p.lent.Load() != 0 {
		t.Errorf("%d idle, %d open, %d in use, %d lent", m.Live.Idle.Load(), m.Live.Open.Load(), p.inUse.Load(), p.lent.Load())
	}
	// A new connection is not trusted as long as usual when another member can serve.
	cfg.Timeouts.Cping = time.Minute
	if d := p.patience(cfg, Want{Now: now(), Other: true}); d != hasty {
		t.Errorf("patience %v, want %v", d, hasty)
	}
	p.Release(mine[2], cfg, false, now())
}

// Every connection to a member ends when its host has vanished, and not before the
// pool's own time-out.
func TestSilence(t *testing.T) {
	s := startDeaf(t)
	for between, want := range map[time.Duration]int{time.Second: 60_000, time.Hour: 3_600_000} {
		l, p, m, cfg := setupOnLoop(t, s.ln.Addr().String(), table.Conns{Max: 9, Keep: 9})
		cfg.Timeouts.BetweenBytes = between
		look := func(c *Conn) {
			t.Helper()
			fd := -1
			switch nc := c.Net().(type) {
			case *evloop.Sock:
				fd = nc.FD()
			case *net.TCPConn:
				raw, err := nc.SyscallConn()
				if err != nil {
					t.Error(err)
					return
				}
				_ = raw.Control(func(f uintptr) { fd = int(f) })
			}
			if ms, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); err != nil || ms != want {
				t.Errorf("%v: %d ms, want %d: %v", between, ms, want, err)
			}
		}
		c := get(t, p, m, cfg, Want{Now: now()})
		look(c)
		p.Release(c, cfg, false, now())
		inTask(t, l, func(tk *evloop.Task) {
			c, f := p.Acquire(m, cfg, Want{Now: now(), Task: tk})
			if !f.OK() {
				t.Errorf("acquire: %s", f.Text)
				return
			}
			look(c)
			p.Release(c, cfg, false, now())
		})
	}
}
