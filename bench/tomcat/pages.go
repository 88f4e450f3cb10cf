package tomcat

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// pattern is the content of size: byte i is i modulo 251, a prime, so that a lost or
// doubled block shows. Its length is a multiple of 251.
var pattern = func() []byte {
	b := make([]byte, 251*32)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}()

// WritePattern writes the first n bytes of what size.jsp sends.
func WritePattern(w io.Writer, n int64) error {
	for n > 0 {
		part := pattern[:min(n, int64(len(pattern)))]
		if _, err := w.Write(part); err != nil {
			return err
		}
		n -= int64(len(part))
	}
	return nil
}

// PatternDigest is the SHA-256 of what size.jsp sends, lower-case hexadecimal.
func PatternDigest(n int64) string {
	h := sha256.New()
	WritePattern(h, n) // a hash takes everything
	return sum(h)
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

func size(w http.ResponseWriter, q url.Values) {
	n := int64(number(q, "n", 0))
	if q.Get("digest") != "0" {
		w.Header().Set("X-Digest", PatternDigest(n))
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if q.Get("length") == "1" {
		w.Header().Set("Content-Length", fmt.Sprint(n))
	}
	WritePattern(w, n) // the client may leave; nobody to tell
}

func status(w http.ResponseWriter, code int) {
	w.WriteHeader(code)
	if code >= 200 && code != 204 && code != 304 {
		fmt.Fprintf(w, "status=%d\n", code)
	}
}

// drain reads a body to its end.
func drain(r io.Reader) (length int64, digest string, err error) {
	h := sha256.New()
	length, err = io.Copy(h, r)
	return length, sum(h), err
}

// pause waits; false when the client or the server went away first.
func pause(ctx context.Context, dead <-chan struct{}, ms int) bool {
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-dead:
		return false
	}
}

func (s *Server) flush(w http.ResponseWriter, r *http.Request, parts, ms int) {
	for i := range parts {
		if i > 0 && !pause(r.Context(), s.dead, ms) {
			return
		}
		fmt.Fprintf(w, "part=%d\n", i)
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
	}
}

// echo writes what arrived in the words of echo.jsp.
func (s *Server) echo(w http.ResponseWriter, r *http.Request) {
	length, digest, err := drain(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var b strings.Builder
	line := func(name string, value any) { fmt.Fprintf(&b, "%s=%v\n", name, value) }
	attributes := Attributes(r.Context())
	addr, port, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		addr, port = r.RemoteAddr, ""
	}
	if p := attributes["AJP_REMOTE_PORT"]; p != "" {
		port = p
	}
	line("method", r.Method)
	line("uri", r.URL.EscapedPath())
	line("query", r.URL.RawQuery)
	line("protocol", r.Proto)
	line("secure", r.TLS != nil || attributes["secure"] == "true")
	line("server", r.Host)
	line("remote_addr", addr)
	line("remote_port", port)
	line("session_requested", requested(r))
	line("node", s.options.Route)
	line("header.host", r.Host)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			line("header."+strings.ToLower(name), value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		line("attr."+name, attributes[name])
	}
	line("body_length", length)
	line("body_sha256", digest)
	io.WriteString(w, b.String()) // the client may leave; nobody to tell
}
