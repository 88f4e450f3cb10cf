//go:build !race

package meter

import "testing"

func TestRecordingAllocatesNothing(t *testing.T) {
	m := new(Member)
	own, foreign := []byte("tomcat1"), []byte("tomcat2")
	m.Saw(own, 1)
	n := testing.AllocsPerRun(100, func() {
		m.Begin(1)
		m.Good()
		m.Tripped(2)
		m.Traffic.Add(10, 3)
		m.Saw(own, 2)
		m.Saw(foreign, 3) // an application that hands on another Tomcat's cookies
		m.Done(200, 1, 2, 3, 4_000_000, 5_000_000)
	})
	if n != 0 {
		t.Errorf("%v allocations a request", n)
	}
}
