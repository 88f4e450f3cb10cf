package evloop

import (
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Loop is one epoll set and the goroutine that serves it.
type Loop struct {
	Index    int // among the loops of an engine, from 0
	ep, bell int // epoll set; eventfd that ends a wait
	places   *Places
	epoch    atomic.Uint64

	// The loop's own.
	free    []*Task
	low     int       // the fewest tasks in free since looked
	looked  time.Time // when free was last trimmed
	since   uint64    // see begin
	turns   uint
	active  int
	events  []unix.EpollEvent
	pending []posted
	woken   []woken

	outside sync.WaitGroup // goroutines of detached tasks
	done    chan struct{}

	slots atomic.Pointer[[]atomic.Pointer[Sock]]
	mu    sync.Mutex // guards spare, gens, the growth of slots, inbox and ended
	spare []uint32
	gens  int32
	inbox []posted
	rung  bool // the bell has been rung for what is in inbox
	ended bool

	stopping atomic.Bool
	words    atomic.Pointer[[]*atomic.Uint64] // of ShowWork
}

// woken is a waiter that was taken out of a gate and is to be resumed.
type woken struct {
	s    *Sock
	g    *gate
	left uint32
}

// posted is something another thread leaves for the loop: exactly one field is set.
type posted struct {
	task  *Task  // resume it
	done  *Task  // a detached task has ended
	ready *Sock  // its owner wants to be called
	call  func() // to be called
}

// batch is how many events are taken from the kernel at once.
const batch = 256

// bellSlot is the slot of the eventfd in events.
const bellSlot = -1

// New starts a loop. Stop ends it.
func New(index int) (*Loop, error) { return NewAmong(index, nil) }

// NewAmong is New for a loop that shares places with others.
func NewAmong(index int, places *Places) (*Loop, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make epoll set: %w", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(ep)
		return nil, fmt.Errorf("make wake-up descriptor: %w", err)
	}
	l := &Loop{Index: index, places: places, ep: ep, bell: bell, events: make([]unix.EpollEvent, batch), done: make(chan struct{})}
	slots := make([]atomic.Pointer[Sock], 0)
	l.slots.Store(&slots)
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, bell, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: bellSlot}); err != nil {
		_ = unix.Close(ep)
		_ = unix.Close(bell)
		return nil, fmt.Errorf("watch wake-up descriptor: %w", err)
	}
	go l.run()
	return l, nil
}

// Epoch rises whenever the loop has got all events there were from the kernel
// and has recorded them.
func (l *Loop) Epoch() uint64 { return l.epoch.Load() }

// run is the loop. It ends after Stop, when no task is left, and frees what it has.
func (l *Loop) run() {
	defer close(l.done)
	l.turn()
	l.outside.Wait() // they have told that they are through, and return now
	for _, t := range l.free {
		t.stop()
	}
	l.free = nil
	_ = unix.Close(l.bell)
	_ = unix.Close(l.ep)
}

// turn waits for events and serves them, again and again.
func (l *Loop) turn() {
	busy, has := false, false // there were events; a place is ours
	for {
		n := 0
		if busy && !has {
			if has = l.places.take(); !has {
				runtime.Gosched() // others need our place; what has come waits in the kernel
			}
		}
		if busy && has {
			n = l.poll()
			busy = n > 0
		}
		if n == 0 {
			if has {
				l.places.free()
				has = false
			}
			var err error
			if n, err = unix.EpollWait(l.ep, l.events, l.trim(time.Now())); err != nil {
				continue // interrupted: nothing else can happen to a valid set
			}
			busy = n > 0
		}
		l.begin(has)
		over := l.serve(l.events[:n])
		l.end()
		if over {
			if has {
				l.places.free()
			}
			return
		}
	}
}

// serve handles one batch of events. All of them are recorded before anybody is
// resumed: whoever runs sees the sockets as the kernel has just told them to be.
func (l *Loop) serve(events []unix.EpollEvent) (over bool) {
	rung := false
	for i := range events {
		e := &events[i]
		if e.Fd == bellSlot {
			rung = true
		} else if s := l.at(uint32(e.Fd)); s == nil || s.gen != e.Pad {
			continue // closed meanwhile
		} else if s.calls != nil {
			l.woken = append(l.woken, woken{s: s})
		} else {
			s.mark(e.Events)
		}
	}
	if len(events) < batch {
		l.epoch.Add(1)
	}
	for i := range l.woken {
		w := l.woken[i]
		if w.g == nil {
			w.s.calls()
		} else {
			w.s.wake(w.g, w.left, true)
		}
	}
	clear(l.woken)
	l.woken = l.woken[:0]
	return rung && l.answerBell()
}

// patience is how long a busy loop waits for the next event before it lets the
// scheduler know that it waits, in milliseconds.
const patience = 1

// poll waits for events without leaving the scheduler, as the next one is
// probably microseconds away.
func (l *Loop) poll() int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_WAIT, uintptr(l.ep), uintptr(unsafe.Pointer(&l.events[0])),
		batch, patience, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// at is the socket in a slot, nil when there is none.
func (l *Loop) at(slot uint32) *Sock {
	slots := *l.slots.Load()
	if int(slot) >= len(slots) {
		return nil
	}
	return slots[slot].Load()
}

// post leaves something for the loop. After the loop has ended it is lost.
func (l *Loop) post(p posted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.inbox = append(l.inbox, p)
	if !l.rung {
		l.rung = true
		// An eventfd that is full rings all the same.
		_, _ = unix.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// answerBell carries out what was posted. True: the loop has ended.
func (l *Loop) answerBell() bool {
	var b [8]byte
	_, _ = unix.Read(l.bell, b[:])
	l.mu.Lock()
	l.pending, l.inbox = l.inbox, l.pending[:0]
	l.rung = false
	l.mu.Unlock()
	for i := range l.pending {
		p := l.pending[i]
		l.pending[i] = posted{}
		switch {
		case p.task != nil:
			l.step(p.task)
		case p.done != nil:
			l.retire(p.done)
		case p.ready != nil:
			p.ready.owner.Readable()
		case p.call != nil:
			p.call()
		}
	}
	return l.over()
}

// over ends the loop when Stop was called and nobody needs it any longer.
func (l *Loop) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopping.Load() || l.active > 0 || len(l.inbox) > 0 {
		return false
	}
	l.ended = true
	return true
}

// add takes a slot for s and watches it.
func (l *Loop) add(s *Sock, events uint32) error {
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return fmt.Errorf("watch socket: %w", net.ErrClosed)
	}
	if len(l.spare) == 0 {
		l.grow()
	}
	s.slot = l.spare[len(l.spare)-1]
	l.spare = l.spare[:len(l.spare)-1]
	l.gens++
	s.gen, s.loop = l.gens, l
	(*l.slots.Load())[s.slot].Store(s)
	l.mu.Unlock()
	err := unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, s.fd, &unix.EpollEvent{Events: events, Fd: int32(s.slot), Pad: s.gen})
	if err != nil {
		l.forget(s)
		return fmt.Errorf("watch socket: %w", err)
	}
	return nil
}

// grow doubles the slots. l.mu is held. Who still reads the old ones finds the
// same sockets in them, except those added since, for which no event has come.
func (l *Loop) grow() {
	old := *l.slots.Load()
	slots := make([]atomic.Pointer[Sock], max(64, 2*len(old)))
	for i := range old {
		slots[i].Store(old[i].Load())
	}
	for i := len(slots) - 1; i >= len(old); i-- {
		l.spare = append(l.spare, uint32(i))
	}
	l.slots.Store(&slots)
}

// forget frees the slot of s.
func (l *Loop) forget(s *Sock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	(*l.slots.Load())[s.slot].Store(nil)
	l.spare = append(l.spare, s.slot)
}

// Add makes l watch a connected, non-blocking socket, which is Sock's from then on.
func (l *Loop) Add(fd int, local, remote net.Addr) (*Sock, error) {
	s := &Sock{fd: fd, local: local, remote: remote}
	const events = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET
	if err := l.add(s, events); err != nil {
		return nil, err
	}
	return s, nil
}

// Do has f called on the loop's thread and does not wait for it.
func (l *Loop) Do(f func()) { l.post(posted{call: f}) }

// Stop makes the loop end once no task runs, attached or detached. The channel is
// closed when it has; how long to wait for that is the caller's decision. Sockets
// stay open; their owners close them. Stopping again changes nothing.
func (l *Loop) Stop() <-chan struct{} {
	l.stopping.Store(true)
	l.Do(func() {})
	return l.done
}
