package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Idle is a set of connections that have each had one answer and now say
// nothing.
type Idle struct {
	conns []net.Conn
}

// OpenIdle opens n connections to addr, lets at most width of them at a time
// have the request answered, and keeps all of them. The first thing that goes
// wrong ends it, with every connection closed.
func OpenIdle(ctx context.Context, addr netip.AddrPort, n, width int, request []byte, expect Expect) (*Idle, error) {
	if n < 1 || width < 1 {
		return nil, errors.New("open idle connections: needs at least one, and one at a time")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := &Idle{conns: make([]net.Conn, n)}
	next := make(chan int)
	var wait sync.WaitGroup
	for range width {
		// Ends when next is closed.
		wait.Go(func() {
			for i := range next {
				conn, err := openOne(ctx, addr, request, expect)
				if err != nil {
					cancel(fmt.Errorf("open idle connection %d: %w", i, err))
					continue
				}
				idle.conns[i] = conn
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wait.Wait()
	if err := context.Cause(ctx); err != nil {
		idle.Close()
		return nil, err
	}
	return idle, nil
}

func openOne(ctx context.Context, addr netip.AddrPort, request []byte, expect Expect) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second}
	d.SetMultipathTCP(false)
	conn, err := d.DialContext(ctx, "tcp4", addr.String())
	if err != nil {
		return nil, err
	}
	if err = Exchange(conn, request, expect); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// Exchange sends one request on an open connection and checks the answer. It
// gives up after 10 s.
func Exchange(conn net.Conn, request []byte, expect Expect) error {
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write(request); err != nil {
		return err
	}
	var answer Answer
	buffer := make([]byte, 16<<10)
	for {
		n, err := conn.Read(buffer)
		if n == 0 && err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		used, done, err := answer.Feed(buffer[:n])
		switch {
		case err != nil:
			return err
		case done && used < n:
			return fmt.Errorf("read answer: %d bytes after its end", n-used)
		case done && answer.Close:
			return errors.New("read answer: the server closes the connection")
		case done:
			return expect.check(&answer)
		}
	}
}

// Closed counts the connections the other side has ended meanwhile, or sent
// something unasked on. It waits for nothing.
func (i *Idle) Closed() int {
	closed := 0
	for _, c := range i.conns {
		if hungUp(c) {
			closed++
		}
	}
	return closed
}

// Close ends all connections.
func (i *Idle) Close() {
	for _, c := range i.conns {
		if c != nil {
			_ = c.Close()
		}
	}
}
