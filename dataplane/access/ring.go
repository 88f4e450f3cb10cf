package access

import "sync/atomic"

// Ring is a bounded queue from many requests to one reader, without locks: a
// slot's sequence number says whose turn it is (after D. Vyukov's bounded
// queue). A full ring drops the record and counts it.
type Ring struct {
	slots   []slot
	mask    uint64
	_       [64]byte
	put     atomic.Uint64
	_       [64]byte
	take    uint64 // the reader's own
	_       [64]byte
	dropped atomic.Uint64
	dozing  atomic.Bool // the reader waits for woken
	woken   chan struct{}
}

type slot struct {
	seq atomic.Uint64
	rec Record
}

// NewRing makes a ring for at least size records, rounded up to a power of two.
func NewRing(size int) *Ring {
	n := 1
	for n < size {
		n <<= 1
	}
	r := &Ring{slots: make([]slot, n), mask: uint64(n - 1), woken: make(chan struct{}, 1)}
	for i := range r.slots {
		r.slots[i].seq.Store(uint64(i))
	}
	return r
}

// Put copies rec into the ring, or drops it when the reader is behind.
func (r *Ring) Put(rec *Record) {
	for {
		pos := r.put.Load()
		s := &r.slots[pos&r.mask]
		switch d := int64(s.seq.Load()) - int64(pos); {
		case d == 0:
			if r.put.CompareAndSwap(pos, pos+1) {
				s.rec = *rec
				s.seq.Store(pos + 1)
				if r.dozing.Load() && r.dozing.CompareAndSwap(true, false) {
					select {
					case r.woken <- struct{}{}:
					default:
					}
				}
				return
			}
		case d < 0:
			r.dropped.Add(1)
			return
		}
	}
}

// Take copies the oldest record into rec; false when there is none. One reader.
func (r *Ring) Take(rec *Record) bool {
	s := &r.slots[r.take&r.mask]
	if s.seq.Load() != r.take+1 {
		return false
	}
	*rec = s.rec
	s.seq.Store(r.take + r.mask + 1)
	r.take++
	return true
}

// Doze announces that the reader will wait for Woken instead of looking again.
// False: a record has come meanwhile. One reader.
func (r *Ring) Doze() bool {
	r.dozing.Store(true)
	if r.slots[r.take&r.mask].seq.Load() == r.take+1 {
		r.dozing.Store(false)
		return false
	}
	return true
}

// Woken gives a value when a record comes after Doze. It may give one too many.
func (r *Ring) Woken() <-chan struct{} { return r.woken }

// Dropped is how many records found the ring full.
func (r *Ring) Dropped() uint64 { return r.dropped.Load() }
