package dataplane_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/catherd/catherd/ajp/ajptest"
	"github.com/catherd/catherd/dataplane"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/frontend"
	"github.com/catherd/catherd/dataplane/table"
)

// certificate makes a self-signed certificate for localhost.
func certificate(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func startTLS(t *testing.T) string {
	s := ajptest.New(t, (&ajptest.Tomcat{Name: "tomcat1", Route: "tomcat1"}).Serve)
	e, err := dataplane.New(enginetest.Limits, 2, func(string, string) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	e.Publish(enginetest.Table(t, enginetest.Pool(enginetest.Member("tomcat1", table.AJP, s.Addr()))))
	addrs, err := e.Listen([]frontend.Spec{{Address: "127.0.0.1:0", TLS: &tls.Config{
		Certificates: []tls.Certificate{certificate(t)}, NextProtos: []string{"http/1.1"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return addrs[0].String()
}

// What is no TLS, or TLS that cannot be agreed upon, ends its own connection
// and nothing else.
func TestFailedHandshakeHurtsNobody(t *testing.T) {
	addr := startTLS(t)
	for _, protos := range [][]string{{"h2"}, {"spdy/3"}} {
		c := tls.Client(enginetest.Dial(t, addr), &tls.Config{InsecureSkipVerify: true, NextProtos: protos})
		if err := c.Handshake(); err == nil {
			t.Errorf("a client of %v was accepted", protos)
		}
	}
	plain := enginetest.Dial(t, addr)
	_, _ = plain.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	if b, _ := io.ReadAll(plain); len(b) > 64 {
		t.Errorf("a client without TLS got %q", b)
	}
	askTLS(t, addr)
}

// askTLS sends a request over TLS and checks what the member is told of it.
func askTLS(t *testing.T, addr string) {
	c := tls.Client(enginetest.Dial(t, addr), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	br := bufio.NewReader(c)
	for range 2 {
		_, _ = io.WriteString(c, "GET /app HTTP/1.1\r\nHost: localhost\r\n\r\n")
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		var e ajptest.Echo
		if err := json.NewDecoder(res.Body).Decode(&e); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, a := range e.Attributes {
			got[a[0]] = a[1]
		}
		if !e.SSL || e.ServerPort != 443 || got["AJP_SSL_PROTOCOL"] != "TLSv1.3" || got["08"] == "" || got["09"] == "" {
			t.Errorf("the member saw ssl %v, port %d, %v", e.SSL, e.ServerPort, got)
		}
	}
}
