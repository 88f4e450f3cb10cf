package tomcat

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
)

// Sessions is a store of session counters. Servers that share one are a cluster.
type Sessions struct {
	mu     sync.Mutex // guards counts
	counts map[string]int
}

// NewSessions returns an empty store.
func NewSessions() *Sessions { return &Sessions{counts: make(map[string]int)} }

// count adds one to a session. An unknown id gets a fresh session, as in Tomcat, which
// never accepts an id from outside.
func (s *Sessions) count(id string) (session string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.counts[id]; !known || id == "" {
		var b [16]byte
		rand.Read(b[:]) // crypto/rand.Read does not fail
		id = strings.ToUpper(hex.EncodeToString(b[:]))
	}
	s.counts[id]++
	return id, s.counts[id]
}

// requested is the session id a request asks for: the first cookie JSESSIONID, else the
// path parameter. Both come with the route.
func requested(r *http.Request) string {
	if c, err := r.Cookie("JSESSIONID"); err == nil {
		return c.Value
	}
	_, parameter, _ := strings.Cut(strings.ToLower(r.URL.EscapedPath()), ";jsessionid=")
	at := len(r.URL.EscapedPath()) - len(parameter) // the original case
	id, _, _ := strings.Cut(r.URL.EscapedPath()[at:], ";")
	return id
}

// visit finds or makes the session of a request, counts, and sets the cookie when the
// id the client has is not the one this node gives out.
func (s *Server) visit(w http.ResponseWriter, r *http.Request) (id string, n int) {
	asked := requested(r)
	bare, _, _ := strings.Cut(asked, ".")
	id, n = s.sessions.count(bare)
	if s.options.Route != "" {
		id += "." + s.options.Route
	}
	if id != asked {
		w.Header().Add("Set-Cookie", "JSESSIONID="+id+"; Path=/app; HttpOnly")
	}
	return id, n
}
