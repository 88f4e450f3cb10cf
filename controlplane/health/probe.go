package health

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/catherd/catherd/dataplane/table"
)

// NetProber asks members over the network, each time on a new connection.
// The zero value is ready.
type NetProber struct {
	// Dial replaces the plain TCP dialler in tests; nil uses net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Probe implements Prober.
func (p *NetProber) Probe(ctx context.Context, t Target) Sample {
	conn, s := p.connect(ctx, t)
	if conn == nil {
		return s
	}
	// A cancelled probe (the member left, or the process ends) must not wait
	// for its time-outs. Closing is final, where a deadline would be replaced
	// by the next step's.
	raw := conn
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
	defer conn.Close()
	switch t.To.Scheme {
	case table.AJP:
		return probeAJP(conn, t)
	case table.HTTPS:
		// With the settings of the data path, or a certificate that it does
		// not accept would look well here.
		host, _, _ := net.SplitHostPort(t.To.Addr)
		secure := tls.Client(conn, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
		_ = conn.SetDeadline(time.Now().Add(t.Settings.Connect))
		if err := secure.HandshakeContext(ctx); err != nil {
			return failed("TLS", err, t.Settings.Connect)
		}
		_ = conn.SetDeadline(time.Time{})
		conn = secure
	}
	if t.Settings.Request == nil && !t.Quick {
		return Sample{OK: true, Text: "connect ok"}
	}
	return probeHTTP(ctx, conn, t)
}

func (p *NetProber) connect(ctx context.Context, t Target) (net.Conn, Sample) {
	dial := p.Dial
	if dial == nil {
		// MPTCP is off here as in the data path: it costs a fallback on most
		// networks and gains nothing for one ping.
		d := &net.Dialer{}
		d.SetMultipathTCP(false)
		dial = d.DialContext
	}
	ctx, cancel := context.WithTimeout(ctx, t.Settings.Connect)
	defer cancel()
	conn, err := dial(ctx, "tcp", t.To.Addr)
	if err != nil {
		return nil, failed("connect", err, t.Settings.Connect)
	}
	return conn, Sample{}
}

// judge compares a status with what is expected.
func (r *Request) judge(status int) Sample {
	s := Sample{Request: true, Fail: BadStatus, Text: fmt.Sprintf("health request %d", status)}
	for _, want := range r.Expect {
		if want.From <= status && status <= want.To {
			s.OK = true
			return s
		}
	}
	if len(r.Expect) == 0 && 200 <= status && status <= 399 {
		s.OK = true
		return s
	}
	s.Text = fmt.Sprintf("health request got %d, expected %s", status, r.want())
	return s
}

func (r *Request) want() string {
	if len(r.Expect) == 0 {
		return "200-399"
	}
	text := ""
	for i, x := range r.Expect {
		if i > 0 {
			text += ", "
		}
		if x.From == x.To {
			text += fmt.Sprintf("%d", x.From)
		} else {
			text += fmt.Sprintf("%d-%d", x.From, x.To)
		}
	}
	return text
}

// authority is the Host field of a health request.
func (r *Request) authority(t table.Target) string {
	if r.Host != "" {
		return r.Host
	}
	if t.Host != "" {
		return t.Host
	}
	return t.Addr
}
