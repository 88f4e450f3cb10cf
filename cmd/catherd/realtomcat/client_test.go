package realtomcat

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// page is one answer.
type page struct {
	status int
	head   http.Header
	body   string
}

// word returns the value of a name=value line of the body, "" without one.
func (p page) word(name string) string {
	for line := range strings.Lines(p.body) {
		if value, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), name+"="); found {
			return value
		}
	}
	return ""
}

// visitor is a client with a memory for cookies and connections of its own.
type visitor struct {
	t    *testing.T
	b    *balancer
	jar  *cookiejar.Jar
	http *http.Client
}

func newVisitor(t *testing.T, b *balancer) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		DisableCompression: true, ExpectContinueTimeout: patience,
		// Whatever name is asked for, it is this catherd.
		DialContext: (&alwaysDial{b.addr}).dial,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &visitor{t: t, b: b, jar: jar, http: &http.Client{
		Jar: jar, Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// send sends a request that may be anything and reads the whole answer.
func (v *visitor) send(r *http.Request) (page, error) {
	resp, err := v.http.Do(r)
	if err != nil {
		return page{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return page{status: resp.StatusCode, head: resp.Header, body: string(body)}, err
}

// request makes one to a host, which chooses the pool, and a path with its query.
func (v *visitor) request(method, host, path string, body io.Reader) *http.Request {
	v.t.Helper()
	r, err := http.NewRequest(method, "http://"+host+path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	return r
}

// do sends a request and requires that it is answered.
func (v *visitor) do(r *http.Request) page {
	v.t.Helper()
	p, err := v.send(r)
	if err != nil {
		v.t.Fatalf("%s %s: %v; catherd's log:\n%s", r.Method, r.URL, err, v.b.text())
	}
	return p
}

// get asks for a page.
func (v *visitor) get(host, path string) page {
	v.t.Helper()
	return v.do(v.request(http.MethodGet, host, path, nil))
}

// good asks for a page and requires 200.
func (v *visitor) good(host, path string) page {
	v.t.Helper()
	p := v.get(host, path)
	if p.status != http.StatusOK {
		v.t.Fatalf("GET http://%s%s: status %d, want 200; page:\n%s\ncatherd's log:\n%s", host, path, p.status, p.body, v.b.text())
	}
	return p
}

// cookie is the session cookie the visitor holds for a host.
func (v *visitor) cookie(host string) string {
	for _, c := range v.jar.Cookies(&url.URL{Scheme: "http", Host: host, Path: "/app/"}) {
		if c.Name == "JSESSIONID" {
			return c.Value
		}
	}
	return ""
}

// visit is what the counter page says.
type visit struct {
	session, node string
	count         int
}

func (p page) visit(t *testing.T) (v visit) {
	t.Helper()
	if _, err := fmt.Sscanf(p.body, "session=%s count=%d node=%s\n", &v.session, &v.count, &v.node); err != nil {
		t.Fatalf("counter page %q: %v", p.body, err)
	}
	return v
}

// dial opens a plain connection to the balancer, closed with the test. All that happens
// on it must be over in time.
func (b *balancer) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// write sends text as it is.
func write(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

// alwaysDial connects to one address whatever is asked for.
type alwaysDial struct{ addr string }

func (d *alwaysDial) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, d.addr)
}
