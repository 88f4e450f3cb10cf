package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/config"
)

// maxAnswer bounds what is read of an answer: a status of ten thousand members
// is a tenth of it.
const maxAnswer = 64 << 20

// client talks to a running process over its admin socket.
type client struct {
	socket string
	http   *http.Client
}

// dial prepares a client; the connection is made by the first request.
func dial(e *env) (*client, error) {
	c := &client{socket: e.socket}
	if c.socket == "" {
		c.socket = e.getenv("CATHERD_SOCKET")
	}
	if c.socket == "" && e.config != "" {
		cfg, problems := config.LoadFile(e.config)
		if cfg == nil {
			_ = problems.Format(e.stderr, e.color())
			return nil, misused("-c %q names no socket: correct the file, or use --socket", e.config)
		}
		if c.socket = cfg.Admin.Socket; c.socket == none {
			return nil, misused("%s has admin.socket: none, so nothing can be asked", e.config)
		}
	}
	if c.socket == "" {
		c.socket = defaultSocket
		// The installed one comes first; without it, the user's own.
		if own := userSocket(e.getenv); own != "" && !exists(defaultSocket) && exists(own) {
			c.socket = own
		}
	}
	c.http = &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", c.socket)
		}},
	}
	return c, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// close ends the connection.
func (c *client) close() { c.http.CloseIdleConnections() }

// get reads a noun; query may be nil.
func (c *client) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	data, _, err := c.do(ctx, http.MethodGet, path, nil, http.StatusOK)
	return data, err
}

// do asks, and returns the answer when its status is one of wanted. Any other
// answer is an error in the words of the answer.
func (c *client) do(ctx context.Context, method, path string, body any, wanted ...int) ([]byte, int, error) {
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, 0, err
		}
		in = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, in)
	if err != nil {
		return nil, 0, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, 0, c.explain(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, 0, failed("read the answer of %s: %v", c.socket, err)
	}
	for _, s := range wanted {
		if s == resp.StatusCode {
			return data, s, nil
		}
	}
	var r admin.Refusal
	if json.Unmarshal(data, &r) != nil || r.What == "" {
		return nil, 0, failed("%s answered %s", c.socket, resp.Status)
	}
	return nil, 0, &failure{exitFailed, r.Error()}
}

// explain says why nobody answers.
func (c *client) explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return &failure{exitNoDaemon, fmt.Sprintf("no Catherd runs at %s: start one with catherd run, or name its socket with --socket", c.socket)}
	case errors.Is(err, fs.ErrPermission):
		return failed("open %s: permission denied: be root or in the group of the socket", c.socket)
	case errors.Is(err, context.Canceled):
		return failed("interrupted")
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return &failure{exitNoDaemon, fmt.Sprintf("ask %s: %v", c.socket, err)}
}

// status reads what runs.
func (c *client) status(ctx context.Context) (*admin.Status, []byte, error) {
	data, err := c.get(ctx, "/api/v1/status", nil)
	if err != nil {
		return nil, nil, err
	}
	s := new(admin.Status)
	if err := json.Unmarshal(data, s); err != nil {
		return nil, nil, failed("understand the status from %s: %v: perhaps another version runs there", c.socket, err)
	}
	return s, data, nil
}

// find finds the member that a word means: pool/member, or a member's name
// when only one pool has it.
func find(s *admin.Status, word string) (pool, member string, err error) {
	if p, m, ok := strings.Cut(word, "/"); ok {
		if s.Member(p, m) == nil {
			return "", "", failed("there is no member %q: members are %s", word, strings.Join(names(s), ", "))
		}
		return p, m, nil
	}
	var pools []string
	for _, p := range s.Pools {
		for _, m := range p.Members {
			if m.Name == word {
				pools = append(pools, p.Name+"/"+word)
				pool = p.Name
			}
		}
	}
	switch len(pools) {
	case 1:
		return pool, word, nil
	case 0:
		return "", "", failed("there is no member %q: members are %s", word, strings.Join(names(s), ", "))
	default:
		return "", "", misused("member %q is in several pools: say which: %s", word, strings.Join(pools, ", "))
	}
}

// names are all members as pool/member.
func names(s *admin.Status) []string {
	var out []string
	for _, p := range s.Pools {
		for _, m := range p.Members {
			out = append(out, p.Name+"/"+m.Name)
		}
	}
	return out
}
