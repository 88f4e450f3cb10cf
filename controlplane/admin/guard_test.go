package admin

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/guard"
)

func TestParseGuard(t *testing.T) {
	parse := func(verb, text string) (guard.Change, *Refusal) {
		return parseGuard(guard.Verb(verb), strings.NewReader(text))
	}
	c, bad := parse("deny", `{"prefix":"192.0.2.77/24","reason":"scanner","for":"10m","confirm_within":"20s","from":"2001:db8::7"}`)
	want := guard.Change{
		Verb: guard.AddDeny, Prefix: netip.MustParsePrefix("192.0.2.0/24"), Reason: "scanner", For: 10 * time.Minute,
		ConfirmWithin: 20 * time.Second, From: netip.MustParseAddr("2001:db8::7"),
	}
	if bad != nil || c != want {
		t.Errorf("got %+v, %v", c, bad)
	}
	if c, bad := parse("allow", `{"prefix":"::1"}`); bad != nil || c.Prefix != netip.MustParsePrefix("::1/128") {
		t.Errorf("an address: %+v, %v", c, bad)
	}
	if c, bad := parse("confirm", ""); bad != nil || c.Verb != guard.Confirm {
		t.Errorf("confirm: %+v, %v", c, bad)
	}
	for _, x := range []struct {
		verb, text, what string
		status           int
	}{
		{"drop", `{}`, "cannot", 404},
		{"deny", ``, "is not an address", 400},
		{"deny", `{"prefix":"tomcat1"}`, "is not an address", 400},
		{"deny", `{"prefix":"::ffff:10.0.0.0/104"}`, "is not an address", 400},
		{"deny", `{"prefix":"10.0.0.1","for":"1"}`, "is no duration", 400},
		{"deny", `{"prefix":"10.0.0.1","for":"-1s"}`, "is no duration", 400},
		{"deny", `{"prefix":"10.0.0.1","confirm_within":"2h"}`, "is no duration", 400},
		{"deny", `{"prefix":"10.0.0.1","from":"home"}`, "is no address", 400},
		{"deny", `{"prefix":"10.0.0.1","reason":"a\nb"}`, "control characters", 400},
		{"deny", `{"prefix":"10.0.0.1","until":"noon"}`, "not understood", 400},
		{"deny", `{"prefix":"10.0.0.1"} {}`, "follows", 400},
		{"remove", `{"prefix":"10.0.0.1","for":"1m"}`, "is no duration", 400},
		{"confirm", `{"prefix":"10.0.0.1"}`, "has been said", 400},
	} {
		if _, bad := parse(x.verb, x.text); bad == nil || bad.Status != x.status || !strings.Contains(bad.What, x.what) || bad.Cure == "" {
			t.Errorf("%s %s: %+v", x.verb, x.text, bad)
		}
	}
}

// What a request over the network says of where it comes from does not count.
func TestGuardOverTheNetwork(t *testing.T) {
	p := &puppet{}
	s := server(p, Access{Actions: true})
	if got := request(s, http.MethodPost, "/api/v1/guard/deny", `{"prefix":"10.0.0.0/8","from":"203.0.113.9"}`); got.Code != 200 {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	if len(p.guards) != 1 || !p.guards[0].From.IsLoopback() || p.guards[0].Owner == "" {
		t.Errorf("%+v", p.guards)
	}
	if got := request(s, http.MethodGet, "/api/v1/guard", ""); !strings.Contains(got.Body.String(), `"at work"`) {
		t.Errorf("%s", got.Body)
	}
	if got := request(s, http.MethodPost, "/api/v1/guard/explode", ""); got.Code != 404 {
		t.Errorf("an unknown verb: %d", got.Code)
	}
	p.refuse = &Refusal{Status: 404, What: "no", Cure: "yes"}
	if got := request(s, http.MethodPost, "/api/v1/guard/remove", `{"prefix":"10.0.0.0/8"}`); got.Code != 404 || !strings.Contains(got.Body.String(), "yes") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}
