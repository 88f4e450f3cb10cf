package meter

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

func TestTwoMembersShareNoLine(t *testing.T) {
	var m Member
	if got := unsafe.Offsetof(m.Status); got != 64 {
		t.Errorf("the line of every request has %d bytes", got)
	}
	if got := unsafe.Sizeof(m) - unsafe.Offsetof(m.FirstByte) - unsafe.Sizeof(m.FirstByte); got < lines {
		t.Errorf("only %d bytes lie behind the last field", got)
	}
	var p Pool
	if got := unsafe.Offsetof(p.Turn) - unsafe.Offsetof(p.Duration) - unsafe.Sizeof(p.Duration); got < lines {
		t.Errorf("Turn is %d bytes from its neighbour", got)
	}
}

func TestBeginAndDone(t *testing.T) {
	var m Member
	m.Begin(100)
	m.Begin(200)
	if m.InFlight.Load() != 2 || m.Requests.Load() != 2 || m.LastUsed.Load() != 200 {
		t.Errorf("after two begins: %d in flight, %d requests, used %d", m.InFlight.Load(), m.Requests.Load(), m.LastUsed.Load())
	}
	m.Done(204, 10, 0, 300, 2_000_000, 1_000_000)
	m.Done(0, 0, 0, 300, 9_000_000_000, 0)
	for _, odd := range []int{-1, 99, 600, 1000} {
		m.Begin(300)
		m.Done(odd, 0, 5, 300, 1, 1)
	}
	s := m.Read()
	if s.InFlight != 0 || s.Requests != 6 || s.NoAnswer != 5 || s.Status2xx != 1 {
		t.Errorf("read %+v", s)
	}
	if s.BytesIn != 10 || s.BytesOut != 20 {
		t.Errorf("bytes in %d, out %d", s.BytesIn, s.BytesOut)
	}
	if s.Total.Count != 1 || s.FirstByte.Count != 5 {
		t.Errorf("durations of %d, heads of %d requests", s.Total.Count, s.FirstByte.Count)
	}
}

func TestFaultsInARow(t *testing.T) {
	var m Member
	for want := 1; want <= 3; want++ {
		if row := m.Fault(FaultDial, int64(want), "connect refused"); row != want {
			t.Errorf("fault %d is number %d of the row", want, row)
		}
	}
	m.Good()
	if row := m.Fault(FaultTimeoutHead, 9, "no answer within 60s"); row != 1 {
		t.Errorf("a good answer did not end the row: %d", row)
	}
	m.Fault(200, 10, "odd kind")
	s := m.Read()
	if s.Faults["dial"] != 3 || s.Faults["first-byte-timeout"] != 1 || s.Faults["protocol"] != 1 || len(s.Faults) != 3 {
		t.Errorf("faults %v", s.Faults)
	}
	if *s.LastFault != (FaultSnapshot{Kind: "protocol", At: 10, Text: "odd kind"}) {
		t.Errorf("last fault %+v", *s.LastFault)
	}
}

func TestLateRepliesAreForgotten(t *testing.T) {
	const minute = int64(decayMinute)
	var m Member
	for want := 1; want <= 4; want++ {
		if got := m.LateReply(minute); got != want {
			t.Errorf("late answer %d: %d", want, got)
		}
	}
	if got := m.LateReply(2 * minute); got != 3 { // half of four, and this one
		t.Errorf("a minute later: %d", got)
	}
	for i := range int64(100) {
		if got := m.LateReply((10 + 2*i) * minute); got != 1 {
			t.Fatalf("one every other minute: %d", got)
		}
	}
	if got := m.Read().ReplyTimeouts; got != 1 {
		t.Errorf("status says %d", got)
	}
}

func TestTrip(t *testing.T) {
	var m Member
	if m.Tripped(0) || m.Tripped(1<<62) {
		t.Error("a new member is tripped")
	}
	m.Trip(100)
	m.Trip(50) // an earlier end does not shorten it
	if !m.Tripped(99) || m.Tripped(100) {
		t.Errorf("tripped at 99: %v, at 100: %v", m.Tripped(99), m.Tripped(100))
	}
	m.Fault(FaultDial, 1, "x")
	m.Untrip()
	if m.Tripped(99) || m.FaultsInRow.Load() != 0 {
		t.Error("still tripped after Untrip")
	}
}

func TestWords(t *testing.T) {
	var faults, outcomes []string
	for k := range FaultKinds + 1 {
		faults = append(faults, FaultKind(k).String())
	}
	for o := range Outcomes + 1 {
		outcomes = append(outcomes, Outcome(o).String())
	}
	if got := strings.Join(faults, " "); got != "dial stale broken connect-timeout first-byte-timeout between-bytes-timeout protocol status frozen paused unknown" {
		t.Errorf("faults: %s", got)
	}
	if got := strings.Join(outcomes, " "); got != "stayed new moved unknown unknown" {
		t.Errorf("outcomes: %s", got)
	}
}

func TestSnapshotAsJSON(t *testing.T) {
	var m Member
	m.Begin(5)
	m.Sessions[Moved].Add(2)
	m.Fault(FaultStale, 7, "closed while idle")
	m.Saw([]byte("tomcat1"), 6)
	m.Done(200, 0, 12, 6, 1_500_000, 1_000_000)
	b, err := json.Marshal(m.Read())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"requests":1`, `"in_flight":0`, `"sessions":{"moved":2}`, `"faults":{"stale":1}`,
		`"last_fault":{"kind":"stale","at_unix_ns":7,"text":"closed while idle"}`,
		`"learned_route":"tomcat1"`, `"bytes_out":12`, `"duration":{"count":1,"sum_seconds":0.0015,`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is not in %s", want, b)
		}
	}
	var back Snapshot
	if err := json.Unmarshal(b, &back); err != nil || back.Faults["stale"] != 1 {
		t.Errorf("read back: %v, %+v", err, back)
	}
}

func TestMemberFromManySides(t *testing.T) {
	var m Member
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 500 {
				now := int64(g*500 + i)
				m.Begin(now)
				m.Trip(now)
				m.Traffic.Add(3, now)
				if i%5 == 0 {
					m.Fault(FaultBroken, now, "connection reset")
				} else {
					m.Good()
				}
				m.Read()
				m.Done(200, 1, 2, now, now, now)
			}
		})
	}
	wg.Wait()
	if s := m.Read(); s.InFlight != 0 || s.Requests != 2000 || s.BytesOut != 4000 || s.NotBefore != 1999 || s.Faults["broken"] != 400 {
		t.Errorf("read %+v", s)
	}
	if got := m.Traffic.Value(0); got != 6000 {
		t.Errorf("traffic %d", got)
	}
}
