package admin

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
	"strconv"
	"time"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/overrides"
)

// ErrNobody is matched by callers: no process answers at the socket.
var ErrNobody = errors.New("no catherd answers")

// Client asks a running process over its Unix socket. It is safe for use by
// several goroutines. A *Refusal is the process's own answer.
type Client struct {
	path string
	http *http.Client
}

// maxAnswer bounds what is read of an answer, in bytes: a status of ten
// thousand members has about fifteen million.
const maxAnswer = 64 << 20

// NewClient returns a client of the socket at path. It connects when asked.
func NewClient(path string) *Client {
	return &Client{path: path, http: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "unix", path)
		},
	}}}
}

// Status returns the answer of /api/v1/status.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.get(ctx, "/api/v1/status", &s)
}

// Events returns the events with a number above after, the oldest first.
func (c *Client) Events(ctx context.Context, after uint64) ([]Event, error) {
	var answer struct {
		Events []Event `json:"events"`
	}
	err := c.get(ctx, "/api/v1/events?after="+strconv.FormatUint(after, 10), &answer)
	return answer.Events, err
}

// Config returns the running configuration in its long form.
func (c *Client) Config(ctx context.Context) ([]byte, error) {
	_, data, err := c.ask(ctx, http.MethodGet, "/api/v1/config", nil)
	return data, err
}

// Explain asks where a request would go.
func (c *Client) Explain(ctx context.Context, q compile.Question) (e compile.Explanation, err error) {
	v := url.Values{"method": {q.Method}, "host": {q.Host}, "path": {q.Path}, "client": {q.Client}, "cookie": q.Cookies}
	return e, c.get(ctx, "/api/v1/explain?"+v.Encode(), &e)
}

// SetMember changes a member's state. d is 0 for "until taken back".
func (c *Client) SetMember(ctx context.Context, pool, member string, state overrides.State, reason string, d time.Duration) (r ActionResult, err error) {
	b := body{Reason: reason}
	if d > 0 {
		b.For = d.String()
	}
	path := "/api/v1/members/" + url.PathEscape(pool) + "/" + url.PathEscape(member) + "/" + string(state)
	_, data, err := c.ask(ctx, http.MethodPost, path, b)
	if err != nil {
		return r, err
	}
	return r, decode(data, &r)
}

// Reload has the configuration read again. A file that was not accepted is no
// error: the result says so.
func (c *Client) Reload(ctx context.Context) (r ReloadResult, err error) {
	status, data, err := c.ask(ctx, http.MethodPost, "/api/v1/reload", nil)
	if err != nil && status != http.StatusConflict {
		return r, err
	}
	if e := decode(data, &r); e != nil || r.Path == "" && !r.Applied {
		return r, errors.Join(err, e)
	}
	return r, nil
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	_, data, err := c.ask(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	return decode(data, into)
}

// ask sends one request. An answer that is no success is a *Refusal, with the
// body returned as well.
func (c *Client) ask(ctx context.Context, method, path string, send any) (status int, data []byte, err error) {
	var out io.Reader
	if send != nil {
		b, err := json.Marshal(send)
		if err != nil {
			return 0, nil, fmt.Errorf("ask: %w", err)
		}
		out = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://catherd"+path, out)
	if err != nil {
		return 0, nil, fmt.Errorf("ask: %w", err)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return 0, nil, fmt.Errorf("ask at %q: this user may not; its group may", c.path)
		}
		if _, dial := errors.AsType[*net.OpError](err); dial && ctx.Err() == nil {
			return 0, nil, fmt.Errorf("%w at %q (%v)", ErrNobody, c.path, errors.Unwrap(err))
		}
		return 0, nil, fmt.Errorf("ask at %q: %w", c.path, err)
	}
	defer resp.Body.Close()
	data, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return resp.StatusCode, nil, fmt.Errorf("ask at %q: %w", c.path, err)
	}
	if resp.StatusCode/100 == 2 {
		return resp.StatusCode, data, nil
	}
	refusal := &Refusal{Status: resp.StatusCode}
	if json.Unmarshal(data, refusal) != nil || refusal.What == "" {
		refusal.What = resp.Status
	}
	return resp.StatusCode, data, refusal
}

func decode(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}
