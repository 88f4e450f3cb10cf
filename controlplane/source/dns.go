package source

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Bounds of the time between two questions for one name.
const (
	minAge   = time.Second     // a TTL of 0 must not become a loop
	maxAge   = 5 * time.Minute // a TTL of a day must not outlive a move
	minRetry = time.Second     // after the first failure; doubled by each further one
	maxRetry = 30 * time.Second
	maxAddrs = 256 // addresses of one name
)

// Question is one name to resolve.
type Question struct {
	Pool   string
	Name   string // host name, or SRV name when SRV is set
	Scheme string // ajp, http or https: what is spoken there
	Port   uint16 // of every address; not used when SRV is set
	SRV    bool
}

// Resolved is what a Question's name stands for.
type Resolved struct {
	Question
	Addrs []netip.AddrPort // sorted, each once, at most 256
}

// DNS resolves names again and again.
type DNS struct {
	asker asker
	after after
	now   func() time.Time
	names []*name
	mu    sync.Mutex // guards what names found
}

// name is one Question at work. The fields below it are written by its own
// goroutine, under DNS.mu.
type name struct {
	Question
	addrs  []netip.AddrPort
	status Status
	fails  int
}

// NewDNS prepares to resolve names with /etc/hosts and the resolvers of
// /etc/resolv.conf, or with the given ones (host:port). Nothing is asked before
// Run.
func NewDNS(questions []Question, servers ...string) *DNS {
	d := &DNS{asker: asker{servers: servers}, after: time.After, now: time.Now}
	for _, q := range questions {
		d.names = append(d.names, &name{Question: q, status: Status{Name: q.Name, Pool: q.Pool}})
	}
	return d
}

// Run resolves until the context ends. It returns when all its goroutines have
// ended.
func (d *DNS) Run(ctx context.Context, notify func()) {
	var all sync.WaitGroup
	for _, n := range d.names {
		all.Go(func() { d.watch(ctx, n, notify) })
	}
	all.Wait()
}

// Get returns what every name stands for, in the order of the questions, and
// how each is doing. A name that has never been resolved has no addresses.
func (d *DNS) Get() ([]Resolved, []Status) {
	d.mu.Lock()
	defer d.mu.Unlock()
	found, status := make([]Resolved, len(d.names)), make([]Status, len(d.names))
	for i, n := range d.names {
		found[i] = Resolved{n.Question, slices.Clone(n.addrs)}
		status[i] = n.status
	}
	return found, status
}

// watch is the life of one name.
func (d *DNS) watch(ctx context.Context, n *name, notify func()) {
	for {
		wait, news := d.look(ctx, n)
		if ctx.Err() != nil {
			return
		}
		if news {
			notify()
		}
		select {
		case <-ctx.Done():
			return
		case <-d.after(wait):
		}
	}
}

// look asks once, and says when to ask again and whether Get says something
// new now.
func (d *DNS) look(ctx context.Context, n *name) (wait time.Duration, news bool) {
	addrs, age, err := d.asker.find(ctx, n.Question)
	if ctx.Err() != nil {
		return 0, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if err != nil {
		half := merge(n.addrs, addrs)
		wait = min(minRetry<<min(n.fails, 10), maxRetry)
		n.fails++
		news = n.status.Problem != err.Error() || !slices.Equal(n.addrs, half)
		n.addrs = half
		n.status.Problem = err.Error()
	} else {
		wait = min(max(age, minAge), maxAge)
		news = n.status.Problem != "" || n.status.Good.IsZero() || !slices.Equal(n.addrs, addrs)
		n.addrs, n.fails = addrs, 0
		n.status.Problem, n.status.Good = "", now
	}
	n.status.Next = now.Add(wait)
	return wait, news
}

// merge puts half an answer, the addresses of one protocol, in the place of what
// was known of that protocol. The other half holds: a resolver that never
// answers for AAAA must not keep a name at its old IPv4 addresses.
func merge(old, half []netip.AddrPort) []netip.AddrPort {
	if len(half) == 0 {
		return old
	}
	four := half[0].Addr().Is4()
	out := slices.Clone(half)
	for _, a := range old {
		if a.Addr().Is4() != four {
			out = append(out, a)
		}
	}
	return tidy(out)
}
