//go:build !race

package balance

import (
	"testing"

	"github.com/catherd/catherd/dataplane/sticky"
	"github.com/catherd/catherd/dataplane/table"
)

func TestPickAllocatesNothing(t *testing.T) {
	weights := make([]uint32, 300)
	for i := range weights {
		weights[i] = uint32(1 + i%3)
	}
	for name, policy := range policies {
		p := poolOf(t, policy, weights...)
		p.Members[7].Domain = "east"
		p.Members[7].Redirect = "m8"
		p.Members[7].Take = table.Nothing
		route, lost, key := []byte("m270"), []byte("m7"), []byte("127.0.0.1")
		var tried Tried
		if n := testing.AllocsPerRun(100, func() {
			r := Request{HashKey: key, Now: 5}
			m, _, _ := Pick(p, &r)
			Account(m, 100, 5)
			r.Tried = &tried
			tried.Add(p.Index(m))
			tried.Add(299)
			Pick(p, &r)
			r.HasSession, r.Session = true, sticky.Session{Route: route}
			Pick(p, &r)
			r.Session.Route = lost
			Pick(p, &r)
			tried.Reset()
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
