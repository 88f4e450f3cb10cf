package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// book is what a kind of clients has seen.
type book struct {
	mu     sync.Mutex // guards the rest
	good   int
	bad    int
	resets int
	first  error
}

func (b *book) add(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.good++
		return
	}
	b.bad++
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		b.resets++
	}
	if b.first == nil {
		b.first = err
	}
}

func (b *book) read() (good, bad, resets int, first error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.good, b.bad, b.resets, b.first
}

// answerWithin is how long a request may take on a machine that has much to do.
const answerWithin = 20 * time.Second

// line is one connection of a client.
type line struct {
	c net.Conn
	r *bufio.Reader
}

func connect(addr string) (*line, error) {
	c, err := net.DialTimeout("tcp", addr, answerWithin)
	if err != nil {
		return nil, err
	}
	return &line{c, bufio.NewReader(c)}, nil
}

// get asks once and reads the whole answer. closing: no other request may follow.
func (l *line) get(path string, last bool) (body []byte, closing bool, err error) {
	_ = l.c.SetDeadline(time.Now().Add(answerWithin))
	head := "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	if last {
		head += "Connection: close\r\n"
	}
	if _, err := io.WriteString(l.c, head+"\r\n"); err != nil {
		return nil, true, err
	}
	resp, err := http.ReadResponse(l.r, nil)
	if err != nil {
		return nil, true, err
	}
	body, err = io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", path, resp.Status, body)
	}
	return body, resp.Close, err
}

// ask is a whole request on a connection of its own.
func ask(addr, path string) ([]byte, error) {
	l, err := connect(addr)
	if err != nil {
		return nil, err
	}
	defer l.c.Close()
	body, _, err := l.get(path, true)
	return body, err
}

// arrive opens connections at a constant rate, each for one request, until ctx ends and
// all are answered.
func arrive(ctx context.Context, addr string, rate int, b *book) {
	var all sync.WaitGroup
	defer all.Wait()
	t := time.NewTicker(time.Second / time.Duration(rate))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			all.Go(func() {
				_, err := ask(addr, "/app/status")
				b.add(err)
			})
		}
	}
}

// stroll is a client that asks, pauses, and asks again on the same connection, which is
// idle whenever an upgrade comes. It connects anew only when it was told that the
// connection closes.
func stroll(ctx context.Context, addr string, b *book) {
	for ctx.Err() == nil {
		l, err := connect(addr)
		if err != nil {
			b.add(err)
			return
		}
		for closing := false; !closing && ctx.Err() == nil; {
			_, closing, err = l.get("/app/status", false)
			b.add(err)
			closing = closing || err != nil
			select {
			case <-ctx.Done():
			case <-time.After(time.Duration(rand.IntN(2000)) * time.Millisecond):
			}
		}
		_ = l.c.Close()
	}
}
