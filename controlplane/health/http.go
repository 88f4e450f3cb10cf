package health

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

// probeHTTP sends the health request on conn. A redirect is an answer, not an
// order: following it would ask somebody else.
func probeHTTP(ctx context.Context, conn net.Conn, t Target) Sample {
	req, step, method := t.Settings.Request, "health request", http.MethodGet
	limit := t.Settings.RequestTimeout()
	if t.Quick {
		// OPTIONS * is the CPING of HTTP: Tomcat answers it by itself, before
		// any application (CoyoteAdapter.postParseRequest). A connect would
		// prove nothing: the kernel accepts for a frozen process as well.
		req, step, method = &Request{Path: "/"}, "ping", http.MethodOptions
		limit = t.Settings.Timeout
	}
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	// The scheme says "http" for both: conn speaks TLS already where it has to.
	out, err := http.NewRequestWithContext(ctx, method, "http://"+t.To.Addr+req.Path, nil)
	if err != nil {
		return Sample{Text: "health request: path " + req.Path + " is not valid"}
	}
	if t.Quick {
		out.URL.Opaque = "*"
	}
	out.Host = req.authority(t.To)
	out.Header.Set("User-Agent", "catherd-health")
	if t.Cookie != "" && !t.Quick {
		out.Header.Set("Cookie", t.Cookie)
	}
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
		return failed(step, err, limit)
	}
	verdict := Sample{OK: true, Text: "ping ok", Ping: time.Since(begin)}
	if !t.Quick {
		verdict = req.judge(answer.StatusCode)
	}
	if !t.Quick && req.wantsBody(verdict) {
		body, err := io.ReadAll(io.LimitReader(answer.Body, MaxBody))
		if err != nil {
			return failed(step, err, limit)
		}
		verdict = req.judgeBody(verdict, body)
	}
	// What is left of the body does not matter; the connection is closed with it
	// unread.
	_ = conn.SetDeadline(time.Unix(1, 0))
	_ = answer.Body.Close()
	if !t.Quick {
		verdict.Session = req.begunHTTP(t.Cookie, answer.Header["Set-Cookie"])
	}
	return verdict
}
