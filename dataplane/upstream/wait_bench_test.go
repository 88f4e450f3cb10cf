package upstream

import "testing"

// BenchmarkWait is what a request pays for Engine.Owes and Engine.Abandon.
func BenchmarkWait(b *testing.B) {
	c := &Conn{}
	now := int64(1)
	for b.Loop() {
		c.Expect(now, true)
		now += 1000
		c.Came(now)
	}
}
