package balance

import "testing"

func TestTried(t *testing.T) {
	var none *Tried
	if none.Has(0) || none.Len() != 0 {
		t.Error("a nil set has something")
	}
	var s Tried
	in := []int{0, 63, 64, 255, 256, 1000, 70000}
	for range 2 {
		for _, i := range in {
			s.Add(i)
			s.Add(i)
		}
		s.Add(-1)
		if s.Len() != len(in) {
			t.Errorf("%d in the set", s.Len())
		}
		for _, i := range in {
			if !s.Has(i) || s.Has(i+2) {
				t.Errorf("position %d: %v, position %d: %v", i, s.Has(i), i+2, s.Has(i+2))
			}
		}
		if s.Has(-1) {
			t.Error("position -1")
		}
		s.Reset()
		if s.Len() != 0 || s.Has(0) || s.Has(256) {
			t.Error("not empty after Reset")
		}
	}
}
