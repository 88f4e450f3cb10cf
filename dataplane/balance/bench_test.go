package balance

import (
	"fmt"
	"testing"

	"github.com/catherd/catherd/dataplane/sticky"
)

func BenchmarkPick(b *testing.B) {
	for _, name := range []string{"round-robin", "least-busy", "least-traffic", "fewest-sessions", "hash"} {
		for _, n := range []int{2, 16, 256} {
			weights := make([]uint32, n)
			for i := range weights {
				weights[i] = uint32(1 + i%3)
			}
			b.Run(fmt.Sprintf("%s/members=%d", name, n), func(b *testing.B) {
				p := poolOf(b, policies[name], weights...)
				r := Request{HashKey: []byte("192.168.100.200"), Now: 5}
				for b.Loop() {
					if m, _, _ := Pick(p, &r); m == nil {
						b.Fatal("nobody")
					}
				}
			})
		}
	}
	b.Run("session/members=256", func(b *testing.B) {
		weights := make([]uint32, 256)
		for i := range weights {
			weights[i] = 1
		}
		p := poolOf(b, policies["least-busy"], weights...)
		r := Request{HasSession: true, Session: sticky.Session{Route: []byte("m200")}, Now: 5}
		for b.Loop() {
			if m, _, _ := Pick(p, &r); m == nil {
				b.Fatal("nobody")
			}
		}
	})
}
