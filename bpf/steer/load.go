package steer

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/internal/kern"
)

// Load is what a listener has to do, in memory that the program reads: struct
// load of steer.c. The goroutine that accepts calls Accepted and Drained;
// whoever closes a connection calls Closed. One Load is one line of the cache.
type Load struct {
	live, accepted, chosen atomic.Uint32
	_                      uint32
	since                  atomic.Uint64
	_                      [10]uint32
}

// Accepted counts a connection that was accepted.
func (l *Load) Accepted() {
	l.live.Add(1)
	l.accepted.Add(1)
}

// Closed counts the end of a connection.
func (l *Load) Closed() { l.live.Add(^uint32(0)) }

// Drained says that nothing waits to be accepted. Connects that never became
// connections are forgotten by it.
func (l *Load) Drained() { l.accepted.Store(l.chosen.Load()) }

// Since is when the acceptor began what it is doing, by CLOCK_MONOTONIC in nanoseconds,
// or 0 while it waits for connections and everything else it does. Who writes it keeps
// connections away from an acceptor that is held up before one of them has waited there.
func (l *Load) Since() *atomic.Uint64 { return &l.since }

// Live returns how many connections are open.
func (l *Load) Live() int { return int(l.live.Load()) }

// Chosen returns how many connections the program sent to the listener.
func (l *Load) Chosen() int { return int(l.chosen.Load()) }

// Waiting returns how many of those have not been accepted, as far as is known.
func (l *Load) Waiting() int { return max(int(int32(l.chosen.Load()-l.accepted.Load())), 0) }

func (l *Load) reset() {
	l.live.Store(0)
	l.accepted.Store(0)
	l.chosen.Store(0)
	l.since.Store(0)
}

// Load returns the load of a listener, which stays valid for good. It panics
// outside of the room of a group.
func (g *Group) Load(generation, index int) *Load {
	if err := inRange(generation, index); err != nil {
		panic(err)
	}
	return &g.loads[generation*Listeners+index]
}

// mapLoads brings the loads into our memory.
func (g *Group) mapLoads() error {
	size := int(unsafe.Sizeof(*g.loads))
	b, err := unix.Mmap(g.objs.CatherdLoads.FD(), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map the loads of the listeners: %v", err)
	}
	g.loads = (*[Generations * Listeners]Load)(unsafe.Pointer(&b[0]))
	return nil
}

// Counts is what became of new connections.
type Counts struct {
	Steered  uint64 // sent to a listener of the generation
	Migrated uint64 // sent to one because theirs was closed before it accepted them
	Left     uint64 // left to the kernel's choice
}

// Counts reads the counters.
func (g *Group) Counts() (c Counts, err error) {
	for i, to := range []*uint64{&c.Steered, &c.Migrated, &c.Left} {
		var cpus []uint64
		if err := g.objs.CatherdSteered.Lookup(uint32(i), &cpus); err != nil {
			return Counts{}, kern.Explain("read the counters of the steering", err)
		}
		for _, n := range cpus {
			*to += n
		}
	}
	return c, nil
}

// Costs returns how often the program ran and how long.
func (g *Group) Costs() []kern.Cost { return kern.CostOf(g.objs.CatherdSteer) }
