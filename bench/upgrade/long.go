package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// webSocket keeps an upgraded connection busy until ctx ends: every 50 ms it sends a
// word and wants it back. It returns how many came back.
func webSocket(ctx context.Context, addr string) (n int, err error) {
	l, err := connect(addr)
	if err != nil {
		return 0, err
	}
	defer l.c.Close()
	_ = l.c.SetDeadline(time.Now().Add(answerWithin))
	_, err = io.WriteString(l.c, "GET /app/ws HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(l.r, nil)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return 0, fmt.Errorf("upgrade: %s", resp.Status)
	}
	t := time.NewTicker(50 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return n, nil
		case <-t.C:
		}
		_ = l.c.SetDeadline(time.Now().Add(answerWithin))
		word := fmt.Sprintf("word %d\n", n)
		if _, err := io.WriteString(l.c, word); err != nil {
			return n, err
		}
		back, err := l.r.ReadString('\n')
		if err != nil || back != word {
			return n, errors.Join(err, fmt.Errorf("%q came back as %q", word, back))
		}
		n++
	}
}

// download fetches that many bytes, most of them as slowly as it takes to be there until
// ctx ends, and the rest at once. It compares them with what the member says they are.
func download(ctx context.Context, addr string, size int64) (n int64, err error) {
	l, err := connect(addr)
	if err != nil {
		return 0, err
	}
	defer l.c.Close()
	if _, err := fmt.Fprintf(l.c, "GET /app/size?n=%d&length=1 HTTP/1.1\r\nHost: bench\r\n\r\n", size); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(l.c), nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("download: %s", resp.Status)
	}
	sum := sha256.New()
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for slow := true; slow; {
		select {
		case <-ctx.Done():
			slow = false
		case <-t.C:
			k, err := io.CopyN(sum, resp.Body, min(size/2000, size-n))
			if n += k; err != nil {
				return n, err
			}
		}
	}
	_ = l.c.SetReadDeadline(time.Now().Add(answerWithin))
	k, err := io.Copy(sum, resp.Body)
	if n += k; err != nil {
		return n, err
	}
	if n != size {
		return n, fmt.Errorf("download: %d of %d bytes", n, size)
	}
	if got, want := hex.EncodeToString(sum.Sum(nil)), resp.Header.Get("X-Digest"); !strings.EqualFold(got, want) {
		return n, fmt.Errorf("download: digest %s, want %s", got, want)
	}
	return n, nil
}
