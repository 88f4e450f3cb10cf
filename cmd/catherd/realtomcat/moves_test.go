package realtomcat

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
)

// TestMove: a Tomcat of this host is killed and started again with its AJP connector on
// another of the ports that it may have. Its member is found there, and the weight that
// an operator gave it goes along.
func TestMove(t *testing.T) {
	h := newHerd(t, "127.0.0.1", herdBase(t, 2), "m", "10.1.34")
	old := h.tomcats[0]
	next, err := catalina.New(catalina.Options{Version: "10.1.34", Name: "m1", Cluster: true,
		Address: "127.0.0.1", Multicast: h.group, Receiver: old.AJP - herdOffset, AJP: old.AJP + herdStep})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(next.Close)
	b := balance(t, memberless(h, "127.0.0.1", "lo", byTrying([]*catalina.Tomcat{old, next})))
	ready := func(m *admin.MemberStatus) bool { return m.State == compile.Ready }
	births(t, "started", h.tomcats, []*balancer{b})
	name := b.has(old, "is ready", ready).Name
	if _, err := b.api.SetMember(t.Context(), admin.Action{Pool: "app", Member: name, Weight: 7}); err != nil {
		t.Fatal(err)
	}
	old.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var pong time.Time
	var all sync.WaitGroup
	all.Go(func() { pong = firstPong(ctx, next) })
	if err := next.Start(ctx); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	m := b.has(next, "is ready where it is now", ready)
	t.Logf("ready %v after its first pong", time.Since(pong).Round(time.Millisecond))
	if m.Weight != 7 || m.WeightBy == nil {
		t.Errorf("weight %d, %s", m.Weight, m.Why)
	}
	if said := b.said(string(admin.MemberMoved), fmt.Sprint(next.AJP), name); len(said) != 1 {
		t.Errorf("moves %q; log:\n%s", said, b.text())
	}
	b.stop()
}
