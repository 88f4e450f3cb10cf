package tomcat

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// attributesKey is the context key of what AJP carries beside an HTTP request.
type attributesKey struct{}

// Attributes are the AJP attributes of a request: named ones under their name, coded
// ones as remote_user, auth_type, query, route, ssl_cert, ssl_cipher, ssl_session,
// ssl_key_size, secret. Nil for a request that came over HTTP.
func Attributes(ctx context.Context) map[string]string {
	m, _ := ctx.Value(attributesKey{}).(map[string]string)
	return m
}

// fault is thrown by the fault page and caught by whoever owns the connection.
type fault string

// serve is the application.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if id := r.Header.Get("X-Request-Id"); id != "" {
		w.Header().Set("X-Request-Id", id)
		if r.Method == http.MethodPost {
			s.ledger.add(id)
		}
	}
	w.Header().Set("X-Node", s.options.Route)
	w.Header().Set("Content-Type", "text/plain;charset=ISO-8859-1")
	query := r.URL.Query()
	switch page(r.URL) {
	case "counter":
		id, n := s.visit(w, r)
		fmt.Fprintf(w, "session=%s count=%d node=%s\n", id, n, s.options.Route)
	case "echo":
		s.echo(w, r)
	case "size":
		size(w, query)
	case "status":
		status(w, number(query, "code", 200))
	case "slow":
		if pause(r.Context(), s.dead, number(query, "ms", 0)) {
			fmt.Fprintf(w, "slow=%s node=%s\n", query.Get("ms"), s.options.Route)
		}
	case "flush":
		s.flush(w, r, number(query, "parts", 3), number(query, "ms", 0))
	case "ledger":
		if r.Method == http.MethodPost {
			fmt.Fprintf(w, "recorded=%s node=%s\n", r.Header.Get("X-Request-Id"), s.options.Route)
			return
		}
		for _, id := range s.Ledger() {
			fmt.Fprintln(w, id)
		}
	case "upload":
		length, sum, err := drain(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "length=%d sha256=%s node=%s\n", length, sum, s.options.Route)
	case "bighead":
		n := number(query, "n", 1000)
		w.Header().Set("X-Big", strings.Repeat("x", n))
		fmt.Fprintf(w, "bighead=%d\n", n)
	case "ignore":
		fmt.Fprintf(w, "ignored node=%s\n", s.options.Route)
	case "fault":
		s.misbehave(w, r, query.Get("do"))
	case "ws":
		s.upgrade(w, r)
	case "healthz":
		fmt.Fprintln(w, "ok")
	default:
		http.Error(w, "not found", http.StatusNotFound)
	}
}

// page is the name of the page a path means: without /app/, parameters and .jsp. Only
// /healthz lives outside the application.
func page(u *url.URL) string {
	path, _, _ := strings.Cut(u.EscapedPath(), ";")
	if path == "/healthz" {
		return "healthz"
	}
	name, ok := strings.CutPrefix(path, "/app/")
	if !ok {
		return ""
	}
	return strings.TrimSuffix(name, ".jsp")
}

func number(q url.Values, name string, otherwise int) int {
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 0 {
		return otherwise
	}
	return n
}
