package admin

import (
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestWeightActions(t *testing.T) {
	p := &puppet{}
	s := server(p, Access{Actions: true})
	const path = "/api/v1/members/app/tomcat1/"
	f := func(what, body string, status int, parts ...string) {
		t.Helper()
		want(t, request(s, "POST", path+what, body), status, parts...)
	}
	f("weight", `{"weight": 3, "reason": "new machine", "for": "30m"}`, 200)
	f("weight", `{"weight": 10000}`, 200)
	f("weight", `{"reset": true}`, 200)
	expect := []Action{
		{Pool: "app", Member: "tomcat1", Weight: 3, Owner: "127.0.0.1", Reason: "new machine", For: 30 * time.Minute},
		{Pool: "app", Member: "tomcat1", Weight: 10000, Owner: "127.0.0.1"},
		{Pool: "app", Member: "tomcat1", Owner: "127.0.0.1"},
	}
	if !slices.Equal(p.actions, expect) {
		t.Errorf("actions %+v", p.actions)
	}
	f("weight", `{"weight": 0}`, 400, "weight 0 does not stop a member", "drain it")
	f("weight", `{"weight": -1}`, 400, "not between 1 and 10000")
	f("weight", `{"weight": 10001}`, 400, "not between 1 and 10000")
	f("weight", `{"weight": "3"}`, 400, "not understood")
	f("weight", `{"weight": 1.5}`, 400, "not understood")
	f("weight", ``, 400, "which weight")
	f("weight", `{}`, 400, "which weight")
	f("weight", `{"weight": 3, "reset": true}`, 400, "which weight")
	f("weight", `{"reset": true, "for": "30m"}`, 400, "for a while")
	f("weight", `{"weight": 3, "for": "soon"}`, 400, "no duration")
	f("drain", `{"weight": 3}`, 400, "a state has no weight")
	f("drain", `{"reset": true}`, 400, "a state has no weight")
	if len(p.actions) != len(expect) {
		t.Errorf("a refused request acted: %+v", p.actions[len(expect):])
	}
	want(t, request(s, "GET", path+"weight", ""), 405, `"error"`)
	s.SetAccess(Access{Allow: s.access.Load().Allow})
	f("weight", `{"weight": 3}`, 403, "switched off")
}

// The client sends what the server understands.
func TestClientWeighs(t *testing.T) {
	p := &puppet{}
	s := server(p, Access{Actions: true})
	path := filepath.Join(t.TempDir(), "admin.sock")
	if err := s.ListenUnix(path); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	c := NewClient(path)
	for _, a := range []Action{{Pool: "app", Member: "a", Weight: 3, For: time.Hour}, {Pool: "app", Member: "a"}} {
		if _, err := c.SetMember(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.actions) != 2 || p.actions[0].Weight != 3 || p.actions[0].For != time.Hour || p.actions[1].Weight != 0 || p.actions[1].State != "" {
		t.Errorf("actions %+v", p.actions)
	}
}
