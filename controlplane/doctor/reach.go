package doctor

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// connect opens the first connection. Without one there is nothing to ask.
func (x *exam) connect() (net.Conn, bool) {
	ctx, cancel := context.WithTimeout(x.ctx, x.s.Connect)
	defer cancel()
	start := time.Now()
	c, err := x.s.Dial(ctx, "tcp", x.s.Addr)
	took := time.Since(start)
	r := &x.signs.reach
	if err == nil {
		x.step("connect", true, "", took)
		return x.track(c), true
	}
	r.fault, r.text = whyNot(err)
	x.step("connect", false, r.short(x.s.Connect), took)
	if r.fault == refused {
		r.local, r.other = x.roundabout()
	}
	return nil, false
}

// whyNot names a fault of a connect.
func whyNot(err error) (connectFault, string) {
	var name *net.DNSError
	var op *net.OpError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return refused, ""
	case errors.As(err, &name) && name.IsNotFound:
		return noHost, ""
	case errors.As(err, &name):
		return noName, ""
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return unreachable, ""
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return noAnswer, ""
	case errors.As(err, &op):
		return otherFault, op.Err.Error() // without the addresses, which the reader knows
	default:
		return otherFault, err.Error()
	}
}

// short is the fault in the line of steps.
func (r *reach) short(limit time.Duration) string {
	switch r.fault {
	case refused:
		return "refused"
	case noAnswer:
		return "no answer within " + set(limit)
	case noHost:
		return "host name not found"
	case noName:
		return "no answer from the name server"
	case unreachable:
		return "no way to the host"
	default:
		return "not possible: " + r.text
	}
}

// roundabout looks on this machine's other addresses for a port that refused.
// It says nothing about other machines' addresses, which we do not know.
func (x *exam) roundabout() (local bool, other []string) {
	host, port, err := net.SplitHostPort(x.s.Addr)
	if err != nil {
		return false, nil
	}
	asked := net.ParseIP(host)
	if asked == nil {
		if found, err := net.DefaultResolver.LookupIPAddr(x.ctx, host); err == nil && len(found) > 0 {
			asked = found[0].IP
		}
	}
	own, err := net.InterfaceAddrs()
	if err != nil || asked == nil {
		return false, nil
	}
	candidates := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	local = asked.IsLoopback()
	for _, a := range own {
		ip, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		local = local || ip.IP.Equal(asked)
		if ip.IP.IsGlobalUnicast() && len(candidates) < smallCrowd {
			candidates = append(candidates, ip.IP)
		}
	}
	if !local {
		return false, nil
	}
	for _, ip := range candidates {
		if ip.Equal(asked) {
			continue
		}
		addr := net.JoinHostPort(ip.String(), port)
		ctx, cancel := context.WithTimeout(x.ctx, min(x.s.Connect, 200*time.Millisecond))
		if c, err := x.s.Dial(ctx, "tcp", addr); err == nil {
			c.Close()
			other = append(other, addr)
		}
		cancel()
	}
	return true, other
}
