package main

import (
	"math/rand/v2"
	"testing"
)

// What is drawn has the shares that are promised.
func TestDraw(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const n = 100_000
	var counts [kinds]int
	for range n {
		counts[draw(random)]++
	}
	for k, percent := range [kinds]int{page: 30, bare: 10, counter: 30, newcomer: 10, slow: 10, post: 10} {
		if got := counts[k]; got < n*(percent-1)/100 || got > n*(percent+1)/100 {
			t.Errorf("%s: %d of %d, want %d %%", kind(k), got, n, percent)
		}
	}
	session := 0
	for k, c := range counts {
		if !kind(k).stranger() {
			session += c
		}
	}
	if share := float64(session) / n; share < sessionShare-0.01 || share > sessionShare+0.01 {
		t.Errorf("%.3f come with a session, want %.3f", share, sessionShare)
	}
}
