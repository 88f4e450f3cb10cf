package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/catherd/catherd/dataplane/evloop"
	"github.com/catherd/catherd/dataplane/table"
	"github.com/catherd/catherd/dataplane/wire"
)

// dial opens a connection to t and tests it when the pool says so. The caller has
// counted it in p.open.
func (p *Pool) dial(t *table.Target, cfg *table.Pool, task *evloop.Task, pong time.Duration) (*Conn, Fault) {
	wc, f := p.connect(t, cfg.Timeouts.Connect, task)
	if !f.OK() {
		p.open.Add(-1)
		return nil, f
	}
	silence(wc.Net(), cfg.Timeouts.BetweenBytes)
	c := &Conn{Conn: wc, pool: p, Fresh: true, shard: shardOf(task, t)}
	p.live.Open.Add(1)
	p.live.Connects.Add(1)
	p.idle[c.shard].place(c)
	if t.Scheme == table.AJP && cfg.Ping.Connect {
		if p.ping(c, pong) != sound {
			p.drop(c)
			return nil, noPong(pong)
		}
		p.cut.Store(0)
	}
	return c, Fault{}
}

// connect gives a connection that the task's loop watches. Only TLS, which needs
// package tls, is left to goroutines; a name is resolved on one, also that of an
// interface (fe80::1%eth0).
func (p *Pool) connect(t *table.Target, d time.Duration, task *evloop.Task) (*wire.Conn, Fault) {
	var s *evloop.Sock
	addr, err := netip.ParseAddrPort(t.Addr)
	if shardOf(task, t) > 0 && err == nil && addr.Addr().Zone() == "" {
		s, err = task.Loop().Connect(task, addr, d)
	} else {
		task.Detach()
		nc, f := Connect(t, d)
		if !f.OK() {
			return nil, f
		}
		if shardOf(task, t) == 0 {
			return wire.NewConn(nc, p.wd), Fault{}
		}
		s, err = task.Loop().Adopt(nc)
	}
	if err != nil {
		return nil, dialFault(err, d)
	}
	c := wire.NewSock(s, p.wd)
	c.SetTask(task)
	return c, Fault{}
}

func noPong(d time.Duration) Fault {
	return Fault{Dial, "connected, but no CPONG within " + d.String()}
}

// Connect connects to t within d, over TLS for https. The fault's text names the
// reason in the words of the product.
func Connect(t *table.Target, d time.Duration) (net.Conn, Fault) {
	dialer := net.Dialer{Timeout: d, KeepAlive: 30 * time.Second}
	dialer.SetMultipathTCP(false)
	var nc net.Conn
	var err error
	if t.Scheme == table.HTTPS {
		host, _, _ := net.SplitHostPort(t.Addr)
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		td := tls.Dialer{NetDialer: &dialer, Config: &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}}
		nc, err = td.DialContext(ctx, "tcp", t.Addr)
	} else {
		nc, err = dialer.Dial("tcp", t.Addr)
	}
	if err == nil {
		return nc, Fault{}
	}
	return nil, dialFault(err, d)
}

func dialFault(err error, d time.Duration) Fault {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return Fault{DialTimeout, "no connection within " + d.String()}
	case errors.Is(err, syscall.ECONNREFUSED):
		return Fault{Dial, "connect refused"}
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Fault{Dial, "no route to the host"}
	case errors.As(err, &dns):
		return Fault{Dial, "name " + dns.Name + " not found"}
	case errors.As(err, &cert):
		return Fault{Dial, "certificate refused: " + cert.Err.Error()}
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return Fault{Dial, "no file descriptor left (raise LimitNOFILE)"}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return Fault{Dial, "no local port left"}
	}
	return Fault{Dial, err.Error()}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}
