package events

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/internal/kern"
)

const (
	batchSize = 256  // the most events in one batch
	batches   = 4    // the most batches that wait for the reader; then the ring fills
	maxPeers  = 4096 // members
)

// Watch tells what happens to connections to members, until it is closed.
type Watch struct {
	objs   objectObjects
	links  []link.Link
	reader *ringbuf.Reader
	out    chan []Event
	stop   chan struct{} // closed by Close

	mu    sync.Mutex // guards peers and closed
	peers map[netip.AddrPort]bool
	done  bool
	wait  sync.WaitGroup // the goroutine of read
}

// peerKey is struct member of events.c.
type peerKey struct {
	Address kern.Address
	Port, _ uint16
}

func keyOf(a netip.AddrPort) peerKey {
	return peerKey{Address: kern.AddressOf(a.Addr()), Port: a.Port()}
}

// Start begins to watch the connections of the caller's network namespace to
// the members. An error matches bpf.ErrPermission or bpf.ErrUnsupported where
// that is the reason.
func Start(members []netip.AddrPort) (*Watch, error) {
	w := &Watch{out: make(chan []Event, batches), stop: make(chan struct{}), peers: map[netip.AddrPort]bool{}}
	if err := w.load(); err != nil {
		return nil, err
	}
	err := w.Set(members)
	if err == nil {
		err = w.attach()
	}
	if err == nil {
		w.reader, err = ringbuf.NewReader(w.objs.CatherdEvents)
	}
	if err != nil {
		w.release()
		return nil, err
	}
	// Ends when Close closes the reader.
	w.wait.Go(w.read)
	return w, nil
}

func (w *Watch) load() error {
	var ns unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &ns); err != nil {
		return fmt.Errorf("name the network namespace: %v", err)
	}
	return kern.Load("load the kernel's events", loadObject, &w.objs, kern.Options{
		Settings: map[string]any{objectVarNamespace: uint32(ns.Ino)},
		Sizes: map[string]kern.Size{
			objectMapCatherdPeers: {Key: unsafe.Sizeof(peerKey{}), Value: 4},
		},
		Entries: map[string]uint32{objectMapCatherdPeers: maxPeers},
	})
}

func (w *Watch) attach() error {
	for _, p := range []*ebpf.Program{w.objs.CatherdState, w.objs.CatherdReset, w.objs.CatherdAgain} {
		l, err := link.AttachTracing(link.TracingOptions{Program: p})
		if err != nil {
			return kern.Explain("attach the kernel's events", err)
		}
		w.links = append(w.links, l)
	}
	return nil
}

// Set says which members are watched from now on. After an error it may be some
// of the old and some of the new ones.
func (w *Watch) Set(members []netip.AddrPort) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return errors.New("watch members: closed")
	}
	if len(members) > maxPeers {
		return fmt.Errorf("watch %d members: %d is the most", len(members), maxPeers)
	}
	wanted := make(map[netip.AddrPort]bool, len(members))
	for _, m := range members {
		wanted[netip.AddrPortFrom(m.Addr().Unmap(), m.Port())] = true
	}
	// What goes first makes room.
	for m := range w.peers {
		if wanted[m] {
			continue
		}
		if err := w.objs.CatherdPeers.Delete(keyOf(m)); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return kern.Explain(fmt.Sprintf("watch %s no more", m), err)
		}
		delete(w.peers, m)
	}
	for m := range wanted {
		if w.peers[m] {
			continue
		}
		if err := w.objs.CatherdPeers.Put(keyOf(m), uint32(0)); err != nil {
			return kern.Explain(fmt.Sprintf("watch %s", m), err)
		}
		w.peers[m] = true
	}
	return nil
}

// Batches returns the channel of the events, in the order in which the kernel
// saw them, one or more at a time. Whoever receives a batch owns it. The channel
// is closed by Close.
func (w *Watch) Batches() <-chan []Event { return w.out }

// Lost returns how many events were not told, because the ring was full: some
// thousands had not been received. 0 after Close.
func (w *Watch) Lost() (n uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done || w.objs.Lost.Get(&n) != nil {
		return 0
	}
	return n
}

// Costs returns how often the three programs ran and how long.
func (w *Watch) Costs() []kern.Cost {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return nil
	}
	return kern.CostOf(w.objs.CatherdState, w.objs.CatherdReset, w.objs.CatherdAgain)
}

// read moves events from the ring to the channel. While nobody receives, the
// ring fills and the programs count what they lose; they never wait.
func (w *Watch) read() {
	defer close(w.out)
	var record ringbuf.Record
	var batch []Event
	for {
		if err := w.reader.ReadInto(&record); err != nil {
			return // closed
		}
		if e, err := parse(record.RawSample); err == nil {
			batch = append(batch, e)
		}
		if record.Remaining > 0 && len(batch) < batchSize || len(batch) == 0 {
			continue
		}
		select {
		case w.out <- batch:
		case <-w.stop:
			return
		}
		batch = nil
	}
}

// Close ends the watch: the programs are taken off and the channel is closed.
func (w *Watch) Close() error {
	w.mu.Lock()
	if w.done {
		w.mu.Unlock()
		return nil
	}
	w.done = true
	w.mu.Unlock()
	close(w.stop)
	err := w.reader.Close()
	w.wait.Wait()
	return errors.Join(err, w.release())
}

// release gives back what Start took.
func (w *Watch) release() error {
	var errs []error
	for _, l := range w.links {
		errs = append(errs, l.Close())
	}
	if w.reader != nil {
		errs = append(errs, w.reader.Close())
	}
	return errors.Join(append(errs, w.objs.Close())...)
}

// Probe says whether the events can be told here, by loading the programs.
func Probe() kern.Feature {
	var w Watch
	err := w.load()
	if err == nil {
		w.objs.Close()
	}
	return kern.FeatureOf("events", "learns of dead members from the kernel, before a request does",
		"CAP_BPF and CAP_PERFMON", "5.12", err)
}
