package controlplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/metrics"
	"github.com/catherd/catherd/dataplane/table"
)

// The interfaces that others declare and Controller satisfies.
var (
	_ admin.Controller = (*Controller)(nil)
	_ metrics.Source   = (*Controller)(nil)
)

// world is everything around a Controller, made of paper.
type world struct {
	t   *testing.T
	c   *Controller
	end func() // stops Run and waits for it

	mu       sync.Mutex // guards the rest
	file     string
	tables   []*table.Table
	listens  [][]compile.ListenerSpec
	noListen bool
	down     map[string]bool // by name of the member
	sick     bool            // down means a bad status, not a refused connection
	applied  int
	log      bytes.Buffer
}

const two = `
listen: 8080
pools:
  app:
    health: {every: 5s}
    members:
      a: ajp://127.0.0.1:8009
      b: ajp://127.0.0.1:9009
`

func (w *world) Publish(t *table.Table) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tables = append(w.tables, t)
}

func (w *world) Listen(l []compile.ListenerSpec) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.noListen {
		return errors.New("address taken")
	}
	w.listens = append(w.listens, l)
	return nil
}

func (w *world) Probe(_ context.Context, t health.Target) health.Sample {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, name, _ := strings.Cut(string(t.ID), "/")
	name, _, _ = strings.Cut(name, "@")
	if w.down[name] {
		if w.sick {
			return health.Sample{Text: "health request got 503", Fail: health.BadStatus}
		}
		return health.Sample{Text: "connect refused", Fail: health.Refused}
	}
	return health.Sample{OK: true, Text: "cping ok"}
}

func (w *world) load() (*config.Config, config.Problems) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return config.Load("catherd.yaml", []byte(w.file), nil, config.Options{})
}

func (w *world) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(b)
}

func (w *world) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// published says how many tables there were and what the newest one has.
func (w *world) published() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tables[len(w.tables)-1]
	text := fmt.Sprintf("%d tables, version %d:", len(w.tables), t.Version)
	for _, p := range t.Pools {
		for i := range p.Members {
			m := &p.Members[i]
			text += " " + m.Name + "=" + [...]string{"all", "own", "none"}[m.Take]
		}
	}
	return text
}

// member is the newest table's.
func (w *world) member(name string) *table.Member {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tables[len(w.tables)-1]
	for _, p := range t.Pools {
		for i := range p.Members {
			if p.Members[i].Name == name {
				return &p.Members[i]
			}
		}
	}
	w.t.Fatalf("no member %q", name)
	return nil
}

// events are the kinds of what happened after seq, with the member.
func (w *world) events(after uint64) (kinds []string, last uint64) {
	last = after
	for _, e := range w.c.Events(after) {
		kinds = append(kinds, strings.TrimSpace(string(e.Kind)+" "+e.Member))
		last = e.Seq
	}
	return kinds, last
}

// play runs f in a bubble of fake time, around a running Controller.
func play(t *testing.T, file string, change func(*Options), f func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, file: file, down: map[string]bool{}}
		cfg, problems := w.load()
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		o := Options{
			Config: cfg, ConfigPath: "catherd.yaml", Load: w.load, Publisher: w, Listeners: w, Prober: w,
			Applied: func(*config.Config) { w.set(func() { w.applied++ }) },
			Log:     slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Version: "1.0", Revision: "abc",
		}
		if change != nil {
			change(&o)
		}
		var err error
		if w.c, err = New(o); err != nil {
			t.Fatal(err)
		}
		if err := w.c.Start(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go w.c.Run(ctx)
		w.end = func() { cancel(); <-w.c.ended }
		defer w.end()
		w.settle()
		f(w)
	})
}

// settle lets everything that is due within the folding time happen.
func (w *world) settle() {
	synctest.Wait()
	time.Sleep(2 * fold)
	synctest.Wait()
}

func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) expect(got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("got  %s\nwant %s", got, want)
	}
}

func (w *world) expectEvents(after uint64, want ...string) uint64 {
	w.t.Helper()
	got, last := w.events(after)
	if !slices.Equal(got, want) {
		w.t.Errorf("events %q, want %q", got, want)
	}
	return last
}

func (w *world) memberStatus(name string) *admin.MemberStatus {
	s := w.c.Status()
	return s.Member("app", name)
}
