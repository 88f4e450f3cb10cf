//go:build !race

package table

import "testing"

func TestMatchAllocatesNothing(t *testing.T) {
	tab := manyRoutes()
	p := &Pool{Name: "q", Members: []Member{{Name: "a", Weight: 1, Route: "r"}, {Name: "b", Weight: 1}}}
	tab.Pools = append(tab.Pools, p)
	if err := tab.Seal(); err != nil {
		t.Fatal(err)
	}
	hosts := [][]byte{[]byte("HOST1.example.org"), []byte("x.zone4.example.org"), []byte("other"), nil}
	path := []byte("/app7/module/a.b/c.do19")
	known, unknown := []byte("r"), []byte("s")
	if n := testing.AllocsPerRun(100, func() {
		for _, h := range hosts {
			tab.Match(h, path)
		}
		p.ByRoute(known)
		p.ByRoute(unknown)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
