package access

import (
	"sync"
	"testing"
)

func TestRingKeepsOrderAndCountsDrops(t *testing.T) {
	r := NewRing(3) // rounded up to 4
	var rec Record
	for i := range 6 {
		rec.Status = uint16(200 + i)
		r.Put(&rec)
	}
	if got := r.Dropped(); got != 2 {
		t.Errorf("dropped %d records, want 2", got)
	}
	for i := range 4 {
		if !r.Take(&rec) || rec.Status != uint16(200+i) {
			t.Fatalf("record %d: got status %d", i, rec.Status)
		}
	}
	if r.Take(&rec) {
		t.Error("an empty ring gave a record")
	}
	rec.Status = 299
	r.Put(&rec)
	if !r.Take(&rec) || rec.Status != 299 {
		t.Error("the ring does not go round")
	}
}

// Many writers, one reader: every record arrives whole, exactly once or counted.
func TestRingManyWriters(t *testing.T) {
	const writers, each = 4, 5000
	r := NewRing(256)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			var rec Record
			for i := range each {
				rec.In, rec.Out = uint64(w*each+i), uint64(w*each+i)*3
				r.Put(&rec)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	seen := make(map[uint64]bool)
	var rec Record
	for finished := false; ; {
		if r.Take(&rec) {
			if rec.Out != rec.In*3 {
				t.Fatalf("torn record: in %d, out %d", rec.In, rec.Out)
			}
			if seen[rec.In] {
				t.Fatalf("record %d twice", rec.In)
			}
			seen[rec.In] = true
			continue
		}
		if finished {
			break
		}
		select {
		case <-done:
			finished = true
		default:
		}
	}
	if got := uint64(len(seen)) + r.Dropped(); got != writers*each {
		t.Errorf("%d seen and dropped, want %d", got, writers*each)
	}
}

func TestRingWakesADozingReader(t *testing.T) {
	r := NewRing(4)
	var rec Record
	r.Put(&rec)
	if r.Doze() {
		t.Fatal("dozed although a record waits")
	}
	r.Take(&rec)
	if !r.Doze() {
		t.Fatal("did not doze on an empty ring")
	}
	select {
	case <-r.Woken():
		t.Fatal("woken by nothing")
	default:
	}
	r.Put(&rec)
	r.Put(&rec)
	<-r.Woken()
	if !r.Take(&rec) || !r.Take(&rec) || r.Take(&rec) {
		t.Error("the records that woke the reader are not there")
	}
}

func TestTextCuts(t *testing.T) {
	var s Short
	s.Set(make([]byte, 100))
	var x Text
	x.Set(make([]byte, 1000))
	if len(s.Bytes()) != 63 || len(x.Bytes()) != 256 {
		t.Errorf("lengths %d and %d", len(s.Bytes()), len(x.Bytes()))
	}
	if OK.String() != "ok" || Upgraded.String() != "upgraded" || ends.String() != "unknown" {
		t.Error("names of ends are out of step")
	}
}
