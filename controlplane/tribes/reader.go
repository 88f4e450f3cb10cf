package tribes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// run reads until ctx ends or the socket is of no use any more.
func (r *reader) run(ctx context.Context) error {
	c, err := r.file.SyscallConn()
	if err != nil {
		return fmt.Errorf("reach the socket: %v", err)
	}
	look := time.Now().Add(r.group.look)
	for {
		if err := r.file.SetReadDeadline(look); err != nil {
			return fmt.Errorf("set a deadline: %v", err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var n int
		var rerr error
		err := c.Read(func(fd uintptr) bool {
			n, rerr = r.batch.receive(fd, r.left(time.Now()))
			return rerr != unix.EAGAIN
		})
		now := time.Now()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			rerr = nil
		case err != nil:
			return fmt.Errorf("wait for datagrams: %v", err)
		case rerr != nil:
			return fmt.Errorf("receive: %v", rerr)
		}
		r.hand(now, n)
		if !now.Before(look) {
			if err := r.lookAfter(now); err != nil {
				return err
			}
			look = now.Add(r.group.look)
		}
		if d := r.pause(now, n); d > 0 && !sleep(ctx, d) {
			return ctx.Err()
		}
	}
}

// hand gives n datagrams to the sink.
func (r *reader) hand(now time.Time, n int) {
	for i := range n {
		src, b := r.batch.datagram(i)
		r.to.Hear(now, src, b)
	}
	r.used += n
	r.group.mu.Lock()
	r.group.facts.Datagrams += uint64(n)
	r.group.mu.Unlock()
}

// left returns how many datagrams may still be looked at in the slot at hand.
func (r *reader) left(now time.Time) int {
	if now.After(r.slotEnd) {
		r.slotEnd, r.used = now.Add(slot), 0
	}
	return max(r.budget()-r.used, 1)
}

func (r *reader) budget() int { return max(r.group.cfg.Rate/int(time.Second/slot), 1) }

// pause returns how long to leave the socket alone. Above the rate nobody
// reads until the slot is over: the kernel throws away what no longer fits,
// which costs least. Well below it, short pauses let datagrams gather, so that
// some thousand a second do not wake the process a thousand times.
func (r *reader) pause(now time.Time, n int) time.Duration {
	switch {
	case r.used >= r.budget():
		r.countLost(now)
		return max(r.slotEnd.Sub(now), breather)
	case r.used > r.budget()/5 && n < batchSlots:
		return breather
	default:
		return 0
	}
}

// lookAfter checks what no read would tell: a membership dies silently with
// its interface.
func (r *reader) lookAfter(now time.Time) error {
	r.countLost(now)
	gone, problem := present(r.on)
	if gone {
		return errors.New(problem)
	}
	r.group.tell(r.to, true, problem)
	return nil
}

// countLost tells how many datagrams the kernel has thrown away since the last
// time because they did not fit. It counts what the filter refused as well,
// which is taken off.
func (r *reader) countLost(now time.Time) {
	c, err := r.file.SyscallConn()
	if err != nil {
		return
	}
	var all, refused uint64
	if c.Control(func(fd uintptr) { all = drops(fd) }) != nil {
		return
	}
	// The filter is asked last and may have refused more by then: what is
	// missed now is counted the next time, and nothing is counted that was
	// only refused.
	if r.filter != nil {
		refused = r.filter.Dropped()
	}
	lost := max(all, refused) - refused
	fresh := max(lost, r.lost) - r.lost
	r.group.mu.Lock()
	r.group.facts.Lost += fresh
	r.group.facts.Refused += max(refused, r.refused) - r.refused
	r.group.mu.Unlock()
	r.lost, r.refused = max(lost, r.lost), max(refused, r.refused)
	if fresh > 0 && r.to.Lost != nil {
		r.to.Lost(now, fresh)
	}
}
