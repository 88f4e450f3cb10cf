package wire

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"
)

// overTCP gives the two ends of a TCP connection.
func overTCP(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Close()
		_ = s.Close()
	})
	return s.(*net.TCPConn), c.(*net.TCPConn)
}

// overTLS is overTCP with TLS, whose near end lies on a Lower.
func overTLS(t *testing.T) (near, far net.Conn) {
	t.Helper()
	s, c := overTCP(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	low, err := NewLower(s)
	if err != nil {
		t.Fatal(err)
	}
	server := tls.Server(low, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	client := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	done := make(chan error, 1)
	go func() { done <- client.Handshake() }()
	if err := errors.Join(server.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	return server, client
}

// What comes through a Lender is what was sent, whatever the sizes, and its end.
func TestLend(t *testing.T) {
	for name, pair := range map[string]func() (net.Conn, net.Conn){
		"tcp": func() (net.Conn, net.Conn) { s, c := overTCP(t); return s, c },
		"tls": func() (net.Conn, net.Conn) { return overTLS(t) },
	} {
		near, far := pair()
		wd := NewWatchdog()
		c := NewConn(near, wd)
		var sent []byte
		for i, n := range []int{1, 2, Small, Small + 1, 300 << 10, 1} {
			sent = append(sent, bytes.Repeat([]byte{byte('a' + i)}, n)...)
		}
		go func() {
			rest := sent
			for _, n := range []int{1, 2, Small, len(sent)} {
				k := min(n, len(rest))
				_, _ = far.Write(rest[:k])
				rest = rest[k:]
			}
			if cw, ok := far.(interface{ CloseWrite() error }); ok {
				_ = cw.CloseWrite()
			}
		}()
		var got []byte
		l := c.Lend()
		b, err := l.Next()
		for ; err == nil; b, err = l.Next() {
			got = append(got, b.Bytes()...)
			Put(b)
		}
		if err != io.EOF || !bytes.Equal(got, sent) {
			t.Errorf("%s: %d of %d bytes, then %v", name, len(got), len(sent), err)
		}
		c.Close()
		wd.Stop()
	}
}

// A wait without a buffer ends by StopRead and by a time-out, and can begin again.
func TestLendStops(t *testing.T) {
	near, far := overTLS(t)
	wd := NewWatchdog()
	defer wd.Stop()
	c := NewConn(near, wd)
	defer c.Close()
	if err := c.Requests(nil, 50*time.Millisecond); !errors.Is(err, ErrTimeout) {
		t.Errorf("a wait that is over: %v", err)
	}
	l := c.Lend()
	done := make(chan error, 1)
	go func() {
		_, err := l.Next()
		done <- err
	}()
	c.StopRead()
	if err := <-done; !errors.Is(err, ErrTimeout) {
		t.Errorf("stopped: %v", err)
	}
	c.ResumeRead()
	if _, err := far.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if b, err := l.Next(); err != nil || string(b.Bytes()) != "x" {
		t.Errorf("afterwards: %v", err)
	}
}
