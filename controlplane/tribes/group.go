package tribes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Filter is a filter in the kernel that keeps datagrams away which cannot be
// meant for a group. It is made by somebody else; see GroupConfig.
type Filter interface {
	Dropped() uint64 // datagrams refused so far
	Close() error
}

// GroupConfig says where to listen.
type GroupConfig struct {
	Group     netip.AddrPort // the multicast group and its port
	Interface string         // name or address; empty lets the routes choose
	Rate      int            // datagrams per second that are looked at; 0 means 5000

	// Attach puts a filter on the socket; nil for none. When it fails,
	// everything works without.
	Attach func(fd int) (Filter, error)
}

// Sink takes what a group hears. All three are called by the goroutine of
// Group.Run, one after another; Lost and Notice may be nil.
type Sink struct {
	Hear   func(now time.Time, src netip.AddrPort, b []byte) // b is dead when it returns
	Lost   func(now time.Time, n uint64)                     // datagrams thrown away unread
	Notice func(Notice)
}

// Notice says that a group has become or is no longer heard.
type Notice struct {
	At     time.Time
	Joined bool
	Text   string
}

// Facts is the state of a group's socket.
type Facts struct {
	Group     netip.AddrPort
	Interface string // the one joined on, empty before
	Joined    bool
	Since     time.Time // of Joined
	Problem   string    // why not, or what is wrong all the same
	Filter    string    // "on", "off" or why there is none
	Datagrams uint64    // looked at
	Lost      uint64    // thrown away because there were too many
	Refused   uint64    // thrown away by the filter
}

// How a group listens.
const (
	lookInterval = 2 * time.Second // the interface is looked after
	slot         = 100 * time.Millisecond
	breather     = 10 * time.Millisecond // a pause in which datagrams gather when there are many
	defaultRate  = 5000
	retryFirst   = time.Second
	retryMost    = 30 * time.Second
)

// Group listens to one multicast group and never sends to it: its socket
// cannot (see silenceSocket). What the kernel itself says about the membership
// (IGMP, MLD) is needed and not ours.
type Group struct {
	cfg  GroupConfig
	look time.Duration // between two looks at the interface

	mu    sync.Mutex // guards facts
	facts Facts
}

// NewGroup returns a group that does not listen yet.
func NewGroup(cfg GroupConfig) *Group {
	if cfg.Rate <= 0 {
		cfg.Rate = defaultRate
	}
	cfg.Group = netip.AddrPortFrom(cfg.Group.Addr().Unmap(), cfg.Group.Port())
	return &Group{cfg: cfg, look: lookInterval, facts: Facts{Group: cfg.Group, Filter: "off", Problem: "not joined yet"}}
}

// Facts returns the state of the socket.
func (g *Group) Facts() Facts {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.facts
}

// Run listens until ctx ends. When the group cannot be joined, or its
// interface goes away, it tries again after 1 s, 2 s and so on up to 30 s.
func (g *Group) Run(ctx context.Context, to Sink) {
	pause := retryFirst
	for {
		joined, err := g.listen(ctx, to)
		if ctx.Err() != nil {
			return
		}
		if joined {
			pause = retryFirst
		}
		g.tell(to, false, err.Error())
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, retryMost)
	}
}

// tell notes a change of the state and says it. The same trouble is said once.
func (g *Group) tell(to Sink, joined bool, problem string) {
	now := time.Now()
	g.mu.Lock()
	same := g.facts.Joined == joined && g.facts.Problem == problem
	if g.facts.Joined != joined || g.facts.Since.IsZero() {
		g.facts.Since = now
	}
	g.facts.Joined, g.facts.Problem = joined, problem
	on := g.facts.Interface
	g.mu.Unlock()
	if same || to.Notice == nil {
		return
	}
	text := fmt.Sprintf("%s is not heard: %s", g.cfg.Group, problem)
	switch {
	case joined && problem == "":
		text = fmt.Sprintf("listening to %s on %s", g.cfg.Group, on)
	case joined:
		text = fmt.Sprintf("listening to %s on %s, but %s", g.cfg.Group, on, problem)
	}
	to.Notice(Notice{At: now, Joined: joined, Text: text})
}

// listen joins and reads until something is wrong or ctx ends.
func (g *Group) listen(ctx context.Context, to Sink) (joined bool, err error) {
	on, err := chooseInterface(g.cfg.Interface, g.cfg.Group)
	if err != nil {
		return false, err
	}
	f, err := open(g.cfg.Group, on)
	if err != nil {
		return false, err
	}
	defer f.Close()
	filter, word := g.attach(f)
	if filter != nil {
		defer filter.Close()
	}
	g.mu.Lock()
	g.facts.Interface, g.facts.Filter = on.Name, word
	g.mu.Unlock()
	_, problem := present(on)
	g.tell(to, true, problem)

	// The deadline wakes the reader; nobody else touches it after ctx ended,
	// because read looks at ctx after setting its own.
	stop := context.AfterFunc(ctx, func() { f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	r := &reader{group: g, file: f, on: on, filter: filter, to: to, batch: newBatch()}
	return true, r.run(ctx)
}

// attach puts the filter on the socket and says how that went.
func (g *Group) attach(f *os.File) (filter Filter, word string) {
	if g.cfg.Attach == nil {
		return nil, "off"
	}
	c, err := f.SyscallConn()
	if err == nil {
		cerr := c.Control(func(fd uintptr) { filter, err = g.cfg.Attach(int(fd)) })
		err = errors.Join(err, cerr)
	}
	if err != nil {
		return nil, err.Error()
	}
	return filter, "on"
}

// reader is one life of a socket.
type reader struct {
	group  *Group
	file   *os.File
	on     *net.Interface
	filter Filter
	to     Sink
	batch  *batch

	slotEnd time.Time
	used    int    // datagrams looked at in the slot at hand
	lost    uint64 // as last told
	refused uint64 // as last read from the filter
}

// sleep waits and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
