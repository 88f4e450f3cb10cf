package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"time"
)

// visit is what counter.jsp answered.
type visit struct {
	session, node string
	count         int
}

// check plays a person with a browser: ten requests stay on one node and count to ten;
// that node is killed; the next request is answered by the other one with eleven and the
// new route in the cookie.
func check(ctx context.Context, out io.Writer, f *farm, p *front) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return fmt.Errorf("check: %v", err)
	}
	client := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	var first visit
	for n := 1; n <= 10; n++ {
		v, err := count(ctx, client, p.url)
		if err != nil {
			return fmt.Errorf("check: request %d: %v", n, err)
		}
		if n == 1 {
			first = v
		}
		if v.count != n || v.node != first.node || v.session != first.session {
			return fmt.Errorf("check: request %d: got %+v after %+v: the session did not stick", n, v, first)
		}
	}
	fmt.Fprintf(out, "10 requests, one session, counter 10, all on %s\n", first.node)
	for _, n := range f.nodes {
		if n.name() == first.node {
			fmt.Fprintf(out, "killing %s\n", n.name())
			n.kill()
		}
	}
	v, err := count(ctx, client, p.url)
	if err != nil {
		return fmt.Errorf("check: request 11, after the kill: %v", err)
	}
	id, _, _ := strings.Cut(first.session, ".")
	if v.count != 11 || v.node == first.node || v.session != id+"."+v.node {
		return fmt.Errorf("check: request 11, after the kill: got %+v after %+v: the session did not move", v, first)
	}
	fmt.Fprintf(out, "request 11 was answered by %s: counter %d, session %s\nok\n", v.node, v.count, v.session)
	return nil
}

// count asks counter.jsp once. The session is read from the page, which names the new
// route at once when the session moved.
func count(ctx context.Context, client *http.Client, url string) (v visit, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/app/counter.jsp", nil)
	if err != nil {
		return v, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return v, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return v, err
	}
	if resp.StatusCode != http.StatusOK {
		return v, fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	if _, err := fmt.Sscanf(string(body), "session=%s count=%d node=%s\n", &v.session, &v.count, &v.node); err != nil {
		return v, fmt.Errorf("page %q: %v", body, err)
	}
	return v, nil
}
