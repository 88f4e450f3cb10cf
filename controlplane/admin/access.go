package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/catherd/catherd/controlplane/config"
)

// Access says who may ask what. It may be replaced while the server runs.
type Access struct {
	Allow   []netip.Prefix // peers by the socket's address; empty lets nobody in
	Hosts   []string       // host names a request may name besides loopback names
	Token   string         // bearer token for requests over the network; "" for none
	Actions bool           // whether POST does anything
}

// AccessOf is what a configuration says. The name that is listened on may be
// used to ask.
func AccessOf(c *config.Admin) Access {
	a := Access{Allow: c.Allow, Hosts: slices.Clone(c.Hosts), Token: c.Token, Actions: c.Actions}
	if name, _, err := net.SplitHostPort(c.Listen); err == nil && name != "" {
		a.Hosts = append(a.Hosts, name)
	}
	return a
}

// open are the paths that need no token: a probe has none, and they say
// nothing but yes or no.
func open(path string) bool { return path == "/healthz" || path == "/readyz" }

// guard lets a request through to next, or answers why not. The order is from
// the cheapest and most certain to the most expensive.
func (s *Server) guard(next http.Handler) http.Handler {
	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusForbidden, "the request comes from a page of another site",
			"use the command line, or a page of this address")
	}))
	protected := foreign.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		a := s.access.Load()
		who, _ := r.Context().Value(callerKey{}).(caller)
		if !who.local {
			if !a.peer(r.RemoteAddr) {
				refuse(w, http.StatusForbidden, "address "+who.owner+" may not connect", "add it to admin.allow")
				return
			}
			// A Tomcat sends neither Host nor token. What a page makes a
			// browser send is no beacon and is judged as everything else.
			if beacon, is := s.c.Beacons(r.URL.Path); is && foreign.Check(r) == nil {
				beacon.ServeHTTP(w, r)
				return
			}
			if !a.host(r) {
				refuse(w, http.StatusForbidden, "host "+quote(r.Host)+" is not a name of this address",
					"use 127.0.0.1 or localhost, or add the name to admin.hosts")
				return
			}
			if a.Token != "" && !open(r.URL.Path) && !a.token(r) {
				h.Set("WWW-Authenticate", "Bearer")
				refuse(w, http.StatusUnauthorized, "the bearer token is missing or wrong",
					"send Authorization: Bearer with the content of admin.token_file")
				return
			}
		}
		if r.Method == http.MethodPost && !a.Actions {
			refuse(w, http.StatusForbidden, "actions are switched off", "set admin.actions to true")
			return
		}
		protected.ServeHTTP(w, r)
	})
}

// peer looks at the socket's address only; no header can change it.
func (a *Access) peer(remote string) bool {
	addr, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	ip := addr.Addr().Unmap().WithZone("")
	for _, p := range a.Allow {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// host accepts loopback names and addresses, the very address that was
// connected to, and the configured names. A name that somebody rebound to this
// address is none of them.
func (a *Access) host(r *http.Request) bool {
	name := r.Host
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(strings.Trim(name, "[]")), ".")
	if name == "localhost" {
		return true
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		ip = ip.Unmap()
		if ip.IsLoopback() {
			return true
		}
		own, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if own == nil {
			return false
		}
		ap, err := netip.ParseAddrPort(own.String())
		return err == nil && ap.Addr().Unmap().WithZone("") == ip
	}
	for _, h := range a.Hosts {
		if name != "" && strings.EqualFold(h, name) {
			return true
		}
	}
	return false
}

// token compares digests, so that neither content nor length of the token
// shows in the time it takes.
func (a *Access) token(r *http.Request) bool {
	got, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	x, y := sha256.Sum256([]byte(strings.TrimSpace(got))), sha256.Sum256([]byte(a.Token))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1 && ok
}
