package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Upgrade asks for another process in the place of this one.
type Upgrade struct {
	Owner  string // who asked
	Binary string // an absolute path; "": the file that this process was started from
}

// UpgradeResult tells what serves now.
type UpgradeResult struct {
	Binary  string  `json:"binary"`
	PID     int     `json:"pid"`
	Version string  `json:"version"`
	OldPID  int     `json:"old_pid"` // it ends when its last connection does
	Old     string  `json:"old_version"`
	Left    int64   `json:"old_connections"` // clients' connections that it finishes
	Took    float64 `json:"took_seconds"`
}

// upgrade starts a program, so it is only for those who could do that themselves: it
// comes over the Unix socket, and a program can be named by root and by the user that
// this process runs as. Others of the group get the file that is installed.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	who, _ := r.Context().Value(callerKey{}).(caller)
	switch {
	case s.upgrader == nil:
		refuse(w, http.StatusNotFound, "this process cannot be upgraded", "stop it and start the other one")
		return
	case !who.local:
		refuse(w, http.StatusForbidden, "an upgrade starts a program, so it is not asked for over the network",
			"run catherd upgrade on this host")
		return
	}
	var b struct {
		Binary string `json:"binary"`
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil && !errors.Is(err, io.EOF) {
		refuse(w, http.StatusBadRequest, "the body is not understood", `send {"binary": "/usr/bin/catherd"}, or nothing`)
		return
	}
	if b.Binary != "" {
		if !filepath.IsAbs(b.Binary) {
			refuse(w, http.StatusBadRequest, "binary "+quote(b.Binary)+" is no absolute path", "begin it with a slash")
			return
		}
		if who.uid != 0 && who.uid != os.Geteuid() {
			refuse(w, http.StatusForbidden, "only root and the user that runs catherd may name a program",
				"leave out --binary: the installed one is used then")
			return
		}
	}
	result, err := s.upgrader(r.Context(), Upgrade{Owner: owner(r), Binary: b.Binary})
	if err != nil {
		refuseWith(w, err)
		return
	}
	answer(w, http.StatusOK, result)
}

// Upgrade has another process take over. It returns when that one serves, or says why
// nothing has changed.
func (c *Client) Upgrade(ctx context.Context, binary string) (r UpgradeResult, err error) {
	_, data, err := c.ask(ctx, http.MethodPost, "/api/v1/upgrade", struct {
		Binary string `json:"binary,omitempty"`
	}{binary})
	if err != nil {
		return r, err
	}
	err = c.decode(data, &r)
	return r, err
}

// Quiet makes the server finish with those who are connected: no connection stays after
// its next answer, and idle ones are closed. False undoes that.
func (s *Server) Quiet(on bool) { s.http.SetKeepAlivesEnabled(!on) }

// Alone waits, at most that long, until all requests but one have been answered. Those
// who listen take nobody any longer: the deadlines of their sockets are over.
func (s *Server) Alone(within time.Duration) {
	for until := time.Now().Add(within); (s.accepting() || s.busy() > 1) && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
}

// follow keeps account of connections that have a request, or may have one.
func (s *Server) follow(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew, http.StateActive:
		s.asking[c] = true
	case http.StateIdle, http.StateHijacked, http.StateClosed:
		delete(s.asking, c)
	}
}

// door is a listener whose connections are known from the moment they are taken: the
// server tells of them a little later, and that may be after Alone has looked.
type door struct {
	net.Listener
	s  *Server
	mu sync.Mutex // held while a connection is taken and until it is known
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.Listener.Accept()
	if err == nil {
		d.s.follow(c, http.StateNew)
	}
	return c, err
}

// accepting reports whether a connection may be being taken.
func (s *Server) accepting() bool {
	s.mu.Lock()
	doors := slices.Collect(maps.Keys(s.doors))
	s.mu.Unlock()
	for _, d := range doors {
		if !d.mu.TryLock() {
			return true
		}
		d.mu.Unlock()
	}
	return false
}

func (s *Server) busy() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asking)
}
