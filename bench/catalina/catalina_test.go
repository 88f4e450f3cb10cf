package catalina

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// start runs a Tomcat for one test and shows its log when the test failed.
func start(t *testing.T, o Options) *Tomcat {
	t.Helper()
	o.Dir = t.TempDir()
	tc, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tc.Close()
		if t.Failed() {
			t.Logf("log of %s:\n%s", tc.Name, tc.tail())
		}
	})
	if err := tc.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return tc
}

func get(t *testing.T, client *http.Client, url string) (*http.Response, string) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	return resp, string(body)
}

// TestGenerations starts each release and asks for what the other tests rely on.
func TestGenerations(t *testing.T) {
	for _, version := range append([]string{Debian}, Versions...) {
		t.Run(version, func(t *testing.T) {
			tc := start(t, Options{Version: version, Name: "tomcat1"})
			if err := Ping(t.Context(), tc.AJPAddr()); err != nil {
				t.Errorf("ping: %v", err)
			}
			counts(t, tc)
			pages(t, tc)
			if err := tc.Stop(); err != nil {
				t.Error(err)
			}
			if err := Ping(t.Context(), tc.AJPAddr()); err == nil {
				t.Error("a stopped Tomcat answers CPING")
			}
		})
	}
}

// countTo begins a session at tomcat1 and has counter.jsp count it that far. It
// returns the client that has the session; its jar serves every Tomcat here, as
// cookies do not know ports.
func countTo(t *testing.T, tc *Tomcat, most int) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	for n := 1; n <= most; n++ {
		_, body := get(t, client, tc.URL("counter.jsp"))
		if want := fmt.Sprintf(" count=%d node=tomcat1\n", n); !strings.HasSuffix(body, want) {
			t.Fatalf("request %d: got %q, want suffix %q", n, body, want)
		}
	}
	return client
}

// counts wants one session from three requests with a cookie jar.
func counts(t *testing.T, tc *Tomcat) {
	t.Helper()
	client := countTo(t, tc, 3)
	base, _ := url.Parse(tc.URL("")) // our own address
	cookies := client.Jar.Cookies(base)
	if len(cookies) != 1 || cookies[0].Name != "JSESSIONID" || !strings.HasSuffix(cookies[0].Value, ".tomcat1") {
		t.Errorf("cookies %v, want one JSESSIONID ending in .tomcat1", cookies)
	}
}

// handOver runs two clustered nodes, kills the one that holds the session, and expects
// the other to go on counting: the cluster works before Catherd stands in front of it.
func handOver(t *testing.T, version string) {
	pair, err := StartPair(t.Context(), Options{Version: version})
	if err != nil {
		t.Fatal(err)
	}
	one, two := pair[0], pair[1]
	t.Cleanup(func() {
		for _, tc := range pair {
			if t.Failed() {
				t.Logf("log of %s:\n%s", tc.Name, tc.tail())
			}
			tc.Close()
		}
	})
	client := countTo(t, one, 5)
	one.Kill()
	resp, body := get(t, client, two.URL("counter.jsp"))
	if want := " count=6 node=tomcat2\n"; !strings.HasSuffix(body, want) {
		t.Errorf("after the kill: got %q, want suffix %q", body, want)
	}
	if cookie := resp.Header.Get("Set-Cookie"); !strings.Contains(cookie, ".tomcat2;") {
		t.Errorf("after the kill: Set-Cookie %q, want the route rewritten to tomcat2", cookie)
	}
}

func TestClusterHandsOver10(t *testing.T) { handOver(t, "10.1.34") }

func TestClusterHandsOver7(t *testing.T) { handOver(t, "7.0.109") }

func TestPauseAndRestart(t *testing.T) {
	tc := start(t, Options{Version: "10.1.34", Name: "tomcat1", Secret: "s<e\"cret"})
	if err := tc.Pause(); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := Ping(short, tc.AJPAddr()); err == nil {
		t.Error("a paused Tomcat answers CPING")
	}
	if err := tc.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := Ping(t.Context(), tc.AJPAddr()); err != nil {
		t.Errorf("after resume: %v", err)
	}
	tc.Kill()
	if tc.PID() != 0 {
		t.Errorf("killed, PID %d", tc.PID())
	}
	if err := tc.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	counts(t, tc)
}
