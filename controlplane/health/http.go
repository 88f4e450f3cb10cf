package health

import (
	"context"
	"net"
	"net/http"
	"time"
)

// probeHTTP sends the health request on conn. A redirect is an answer, not an
// order: following it would ask somebody else.
func probeHTTP(ctx context.Context, conn net.Conn, t Target) Sample {
	req := t.Settings.Request
	limit := t.Settings.RequestTimeout()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	// The scheme says "http" for both: conn speaks TLS already where it has to.
	out, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.To.Addr+req.Path, nil)
	if err != nil {
		return Sample{Text: "health request: path " + req.Path + " is not valid"}
	}
	out.Host = req.authority(t.To)
	out.Header.Set("User-Agent", "catherd-health")
	transport := &http.Transport{
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		ResponseHeaderTimeout:  limit,
		// The connection is made already; the transport asks for it once.
		DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(out)
	if err != nil {
		return Sample{Text: words("health request", err, limit)}
	}
	// Only the status matters; the connection is closed with its body unread.
	_ = conn.SetDeadline(time.Unix(1, 0))
	_ = answer.Body.Close()
	return req.judge(answer.StatusCode)
}
