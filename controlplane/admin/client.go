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
	"syscall"
	"time"

	"github.com/catherd/catherd/controlplane/compile"
)

// ErrNobody is matched by callers: nothing answers at the socket. The error
// that wraps it has the whole sentence.
var ErrNobody = errors.New("no Catherd answers")

// Client asks a running process over its Unix socket. It is safe for use by
// several goroutines and holds nothing that must be closed. Its errors are
// whole sentences for an operator; a *Refusal is the process's own answer.
type Client struct {
	socket string
	most   int64 // bytes that are read of an answer
	http   *http.Client
}

// maxAnswer bounds what is read of an answer, in bytes: a status of ten
// thousand members has about fifteen million.
const maxAnswer = 64 << 20

// maxWait bounds one question. A reload opens listeners and may wait for a slow
// disk; nothing else takes a second.
const maxWait = time.Minute

// NewClient returns a client of the Unix socket at that path. It connects when
// asked.
func NewClient(socket string) *Client {
	return &Client{socket: socket, most: maxAnswer, http: &http.Client{Timeout: maxWait, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
	}}}
}

// Socket is the path that is asked at.
func (c *Client) Socket() string { return c.socket }

// Status returns the answer of /api/v1/status.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	s := new(Status)
	if err := c.get(ctx, "/api/v1/status", s); err != nil {
		return nil, err
	}
	return s, nil
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
	err = c.get(ctx, "/api/v1/explain?"+v.Encode(), &e)
	return e, err
}

// SetMember changes a member's state or weight. Owner of the action is not sent: the
// process asks the kernel who that is.
func (c *Client) SetMember(ctx context.Context, a Action) (r ActionResult, err error) {
	b := body{Reason: a.Reason}
	if a.For > 0 {
		b.For = a.For.String()
	}
	what := string(a.State)
	switch {
	case a.State != "":
	case a.Weight != 0:
		what, b.Weight = "weight", &a.Weight
	default:
		what, b.Reset = "weight", true
	}
	path := "/api/v1/members/" + url.PathEscape(a.Pool) + "/" + url.PathEscape(a.Member) + "/" + what
	_, data, err := c.ask(ctx, http.MethodPost, path, b)
	if err != nil {
		return r, err
	}
	err = c.decode(data, &r)
	return r, err
}

// Reload has the configuration read again. A file that was not accepted is no
// error: the result says so.
func (c *Client) Reload(ctx context.Context) (r ReloadResult, err error) {
	status, data, err := c.ask(ctx, http.MethodPost, "/api/v1/reload", nil)
	if err != nil && status != http.StatusConflict {
		return r, err
	}
	if bad := c.decode(data, &r); bad != nil {
		return r, bad
	}
	if !r.Applied && r.Path == "" {
		// A process without a file has no result, just a refusal.
		return r, err
	}
	return r, nil
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	_, data, err := c.ask(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	return c.decode(data, into)
}

// ask sends one request. An answer that is no success is a *Refusal, with the
// body returned as well.
func (c *Client) ask(ctx context.Context, method, path string, send any) (status int, data []byte, err error) {
	var out io.Reader
	if send != nil {
		b, err := json.Marshal(send)
		if err != nil {
			return 0, nil, fmt.Errorf("ask %s: %v", c.socket, err)
		}
		out = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, out)
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %v", c.socket, err)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return 0, nil, c.unanswered(err)
	}
	defer resp.Body.Close()
	data, err = io.ReadAll(io.LimitReader(resp.Body, c.most+1))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("read the answer of %s: %w", c.socket, err)
	case int64(len(data)) > c.most:
		return 0, nil, fmt.Errorf("read the answer of %s: it has more than %d bytes", c.socket, c.most)
	case resp.StatusCode/100 == 2:
		return resp.StatusCode, data, nil
	}
	refusal := &Refusal{Status: resp.StatusCode}
	if json.Unmarshal(data, refusal) != nil || refusal.What == "" {
		refusal.What, refusal.Cure = c.socket+" answered "+resp.Status, ""
	}
	return resp.StatusCode, data, refusal
}

// unanswered says why no answer came, and what to do about it.
func (c *Client) unanswered(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return &nobody{fmt.Sprintf("no Catherd runs at %s: start one with catherd run, or name its socket with --socket", c.socket)}
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("open %s: permission denied: be root or in the group of the socket", c.socket)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("ask %s: %w", c.socket, context.Canceled)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the address, which is made up
	}
	return &nobody{fmt.Sprintf("ask %s: %v", c.socket, err)}
}

// nobody is an ErrNobody in a sentence of its own.
type nobody struct{ text string }

func (n *nobody) Error() string        { return n.text }
func (n *nobody) Is(target error) bool { return target == ErrNobody }

func (c *Client) decode(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("understand the answer of %s: %v: perhaps another version runs there", c.socket, err)
	}
	return nil
}
