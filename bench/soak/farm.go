package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/bench/freeport"
	"github.com/catherd/catherd/bench/tomcat"
)

// member is one Tomcat, real or pretended. For one goroutine, except ledger.
type member interface {
	name() string
	url(http bool) string
	start(context.Context) error
	kill()                     // SIGKILL; returns when every connection is closed
	ledger() ([]string, error) // ids of all POSTs it has begun to process, over all its lives
	troubles() string          // what its log says of exceptions, the end of it
	close()
}

// keepAlive is in milliseconds how long a Tomcat keeps an idle HTTP connection. It counts
// from the last byte it wrote, Catherd from the last that a slow client took, and a POST
// on a connection that closes at that moment is lost without anybody's fault (RFC 9112
// section 9.3.1). The default of 20 s is too near on a machine that stands still at times.
const keepAlive = "120000"

// newFarm prepares n members that share their sessions; nothing runs yet.
func newFarm(s settings) ([]member, error) {
	var farm []member
	if s.pretend {
		shared := tomcat.NewSessions()
		// A member that is away for seconds must find its ports free when it comes back.
		at, err := freeport.Addresses("127.0.0.1", 2*s.members)
		if err != nil {
			return nil, err
		}
		for i := range s.members {
			farm = append(farm, &pretended{options: tomcat.Options{Route: fmt.Sprintf("tomcat%d", i+1), Sessions: shared,
				AJP: at[2*i], HTTP: at[2*i+1]}})
		}
		return farm, nil
	}
	group, err := catalina.FreeGroup()
	if err != nil {
		return nil, err
	}
	for i := range s.members {
		t, err := catalina.New(catalina.Options{Version: s.version, Name: fmt.Sprintf("tomcat%d", i+1),
			Cluster: true, Multicast: group, HTTPAttributes: map[string]string{"keepAliveTimeout": keepAlive}})
		if err != nil {
			closeAll(farm)
			return nil, err
		}
		farm = append(farm, &real{t})
	}
	return farm, nil
}

// startFarm makes a farm and starts it. A port that was free may be taken a moment later
// by another process, so pretend ones, which cost nothing, are tried several times.
func startFarm(ctx context.Context, s settings) ([]member, error) {
	for tries := 1; ; tries++ {
		farm, err := newFarm(s)
		if err != nil {
			return nil, err
		}
		if err = startAll(ctx, farm); err == nil {
			return farm, nil
		}
		closeAll(farm)
		if !s.pretend || tries == 5 {
			return nil, err
		}
	}
}

// startAll starts the members side by side: clustered Tomcats look for each other then.
func startAll(ctx context.Context, farm []member) error {
	errs := make(chan error, len(farm))
	for _, m := range farm {
		go func() { errs <- m.start(ctx) }()
	}
	var first error
	for range farm {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

func closeAll(farm []member) {
	for _, m := range farm {
		m.close()
	}
}

// real is a Tomcat in a JVM of its own.
type real struct{ t *catalina.Tomcat }

func (m *real) name() string                    { return m.t.Name }
func (m *real) start(ctx context.Context) error { return m.t.Start(ctx) }
func (m *real) kill()                           { m.t.Kill() }
func (m *real) ledger() ([]string, error)       { return m.t.Ledger() }
func (m *real) close()                          { m.t.Close() }

func (m *real) troubles() string {
	var lines []string
	for line := range strings.Lines(m.t.Log()) {
		if strings.Contains(line, "SEVERE") || strings.Contains(line, "Exception") || strings.Contains(line, "Error") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-20):], "")
}

func (m *real) url(http bool) string {
	if http {
		return "http://" + m.t.HTTPAddr()
	}
	return "ajp://" + m.t.AJPAddr()
}

// pretended is a server in this process. Every life is a new one, on the same ports.
type pretended struct {
	options tomcat.Options
	mu      sync.Mutex // guards lives
	lives   []*tomcat.Server
}

func (m *pretended) troubles() string { return "" } // it has no log

func (m *pretended) name() string { return m.options.Route }

func (m *pretended) url(http bool) string {
	if http {
		return "http://" + m.options.HTTP
	}
	return "ajp://" + m.options.AJP
}

func (m *pretended) start(context.Context) error {
	s, err := tomcat.Start(m.options)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.lives = append(m.lives, s)
	m.mu.Unlock()
	return nil
}

func (m *pretended) kill() {
	m.mu.Lock()
	s := m.lives[len(m.lives)-1]
	m.mu.Unlock()
	s.Close()
}

// ledger asks the dead servers, too: a request one was processing may be entered late.
func (m *pretended) ledger() (ids []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.lives {
		ids = append(ids, s.Ledger()...)
	}
	return ids, nil
}

func (m *pretended) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.lives {
		s.Close()
	}
}
