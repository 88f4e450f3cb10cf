package upstream

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
	"github.com/catherd/catherd/dataplane/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deafMember is a member that takes connections and says nothing.
type deafMember struct {
	ln       net.Listener
	accepted atomic.Int64
	open     atomic.Int64
	mu       sync.Mutex // guards conns
	conns    []net.Conn
}

func startDeaf(t testing.TB) *deafMember {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &deafMember{ln: ln}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.accepted.Add(1)
			s.open.Add(1)
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			wg.Go(func() {
				_, _ = io.Copy(io.Discard, c)
				s.open.Add(-1)
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		s.hangUp()
		wg.Wait()
	})
	return s
}

// kept is how many connections hangUp would end.
func (s *deafMember) kept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// hangUp ends every connection from the member's side.
func (s *deafMember) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.(*net.TCPConn).CloseWrite()
		_ = c.Close()
	}
	s.conns = nil
}

// setup is a pool for one HTTP member at addr, without a keeper.
func setup(t testing.TB, addr string, conns table.Conns) (*Pool, *table.Member, *table.Pool) {
	t.Helper()
	wd := wire.NewWatchdog()
	cfg := &table.Pool{
		Name: "app", Conns: conns,
		Timeouts: table.Timeouts{Connect: 20 * time.Second, Cping: 20 * time.Second, Queue: 20 * time.Second},
		Members: []table.Member{{
			ID: "app/a", Name: "a", Weight: 1, Live: new(meter.Member),
			Target: table.Target{Scheme: table.HTTP, Addr: addr, Host: addr},
		}},
	}
	if err := cfg.Seal(); err != nil {
		t.Fatal(err)
	}
	m := &cfg.Members[0]
	p := newPool(wd, m.Live, 0)
	t.Cleanup(func() {
		p.retire()
		wd.Stop()
	})
	return p, m, cfg
}

// until polls for what another goroutine or the kernel is about to do; a test
// that waits in vain fails.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// get is an Acquire that must not fail.
func get(t testing.TB, p *Pool, m *table.Member, cfg *table.Pool, w Want) *Conn {
	t.Helper()
	c, f := p.Acquire(m, cfg, w)
	if !f.OK() {
		t.Fatalf("acquire: %d %s", f.Kind, f.Text)
	}
	return c
}

func now() int64 { return time.Now().UnixNano() }
