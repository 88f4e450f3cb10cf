package admin

import (
	"context"
	"net/http"
	"os"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// upgrader is a server that can be upgraded, and what it was asked for.
func upgrader(refuse error) (*Server, *[]Upgrade) {
	var asked []Upgrade
	s := New(Options{Controller: &puppet{}, Metrics: prometheus.NewRegistry(), Access: Access{Allow: loopback, Actions: true},
		Upgrade: func(_ context.Context, u Upgrade) (UpgradeResult, error) {
			asked = append(asked, u)
			return UpgradeResult{PID: 7, Binary: u.Binary}, refuse
		}})
	return s, &asked
}

// as is somebody at the Unix socket.
func as(uid int) func(*http.Request) {
	return func(r *http.Request) {
		*r = *r.WithContext(context.WithValue(r.Context(), callerKey{}, caller{local: true, owner: "ops", uid: uid}))
	}
}

func TestUpgrade(t *testing.T) {
	const path, named = "/api/v1/upgrade", `{"binary": "/opt/catherd"}`
	s, asked := upgrader(nil)
	stranger := os.Geteuid() + 4711
	want(t, request(s, "POST", path, "", as(stranger)), 200, `"pid": 7`)
	want(t, request(s, "POST", path, named, as(0)), 200, `"/opt/catherd"`)
	want(t, request(s, "POST", path, named, as(os.Geteuid())), 200)
	if n := len(*asked); n != 3 || (*asked)[0] != (Upgrade{Owner: "ops"}) || (*asked)[1].Binary != "/opt/catherd" {
		t.Errorf("%+v", *asked)
	}
	// Whoever could not start that program may not have it started.
	want(t, request(s, "POST", path, named, as(stranger)), 403, "only root")
	want(t, request(s, "POST", path, named, as(-1)), 403, "only root")
	want(t, request(s, "POST", path, ""), 403, "over the network")
	want(t, request(s, "POST", path, `{"binary": "catherd"}`, as(0)), 400, "absolute")
	want(t, request(s, "POST", path, `{"program": "/x"}`, as(0)), 400, "not understood")
	want(t, request(s, "GET", path, "", as(0)), 405)
	if len(*asked) != 3 {
		t.Errorf("%+v", *asked)
	}
	s, _ = upgrader(&Refusal{Status: http.StatusConflict, What: "it crashed", Cure: "look"})
	want(t, request(s, "POST", path, "", as(0)), 409, "it crashed")
	want(t, request(server(&puppet{}, Access{Actions: true}), "POST", path, "", as(0)), 404, "cannot be upgraded")
}

// Events of the process before keep their numbers, and those of this one follow.
func TestPrecede(t *testing.T) {
	f := func(older, own, first, last int) {
		t.Helper()
		var before, r Ring
		for range older {
			before.Add(Event{Kind: Noted, Owner: "before"})
		}
		for range own {
			r.Add(Event{Kind: Started, Owner: "own"})
		}
		r.Precede(before.After(0))
		list := r.After(0)
		if len(list) == 0 || list[0].Seq != uint64(first) || list[len(list)-1].Seq != uint64(last) || list[len(list)-1].Owner != "own" {
			t.Fatalf("%d and %d: %d events, %+v", older, own, len(list), list)
		}
		for i, e := range list {
			if e.Seq != list[0].Seq+uint64(i) || (e.Owner == "own") != (i >= len(list)-own) {
				t.Errorf("%d and %d: %+v at %d", older, own, e, i)
			}
		}
	}
	f(0, 2, 1, 2)
	f(3, 2, 1, 5)
	f(ringSize, 2, 3, ringSize+2)
	f(ringSize+50, 1, 52, ringSize+51)
}
