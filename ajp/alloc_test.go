//go:build !race

package ajp

import "testing"

// The race detector allocates on its own, hence the build tag.

func TestWriterAllocatesNothing(t *testing.T) {
	r := sampleRequest(t)
	var w Writer
	buf := make([]byte, 0, DefaultPacket)
	allocs := testing.AllocsPerRun(1000, func() { writeSample(&w, buf, r) })
	if allocs != 0 {
		t.Errorf("writing a request head allocates %v times", allocs)
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	answer := sampleAnswer()
	var h ResponseHead
	allocs := testing.AllocsPerRun(1000, func() { readAnswer(answer, &h) })
	if allocs != 0 {
		t.Errorf("reading an answer allocates %v times", allocs)
	}
	bad := raw(99, "", 0, "")
	allocs = testing.AllocsPerRun(1000, func() { _ = h.Parse(bad) })
	if allocs != 0 {
		t.Errorf("refusing a response head allocates %v times", allocs)
	}
}

func TestRequestParseAllocatesNothing(t *testing.T) {
	x := golden(t)[2].steps[0].bytes[HeadLen:]
	var r Request
	allocs := testing.AllocsPerRun(1000, func() { _ = r.Parse(x) })
	if allocs != 0 {
		t.Errorf("reading a request head allocates %v times", allocs)
	}
}
