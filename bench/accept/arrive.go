package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// patience is how long a client waits before it counts as failed.
const patience = 5 * time.Second

// arrive has clients come to addr at random moments for so long, and returns what they
// have waited.
func arrive(ctx context.Context, addr string, rate float64, long time.Duration, random *rand.Rand) figures {
	var mu sync.Mutex // guards waits and failed
	var waits []time.Duration
	failed := 0
	var wg sync.WaitGroup
	begin := time.Now()
	for at := time.Duration(0); ctx.Err() == nil; {
		at += time.Duration(random.ExpFloat64() / rate * float64(time.Second))
		if at > long {
			break
		}
		due := begin.Add(at)
		time.Sleep(time.Until(due))
		wg.Go(func() {
			err := ask(addr)
			wait := time.Since(due)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed++
			} else {
				waits = append(waits, wait)
			}
		})
	}
	wg.Wait()
	return figure(waits, failed)
}

// ask is one client: a connection, a request, the beginning of its answer.
func ask(addr string) error {
	c, err := net.DialTimeout("tcp4", addr, patience)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: accept\r\n\r\n"); err != nil {
		return err
	}
	_, err = io.ReadFull(c, make([]byte, len("HTTP/1.1 503")))
	return err
}
