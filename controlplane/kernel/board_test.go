package kernel

import (
	"errors"
	"testing"
	"time"

	"github.com/catherd/catherd/bpf"
)

func TestBoardAsksTheNewest(t *testing.T) {
	var b Board
	n := uint64(0)
	b.Set(NotWanted(Steering, "never in the file"))
	b.Put(Events, func() Status {
		n++
		s := At(Events, time.Unix(1000, 0), "tracepoint")
		s.Counts = map[string]uint64{"told": n}
		return s
	})
	b.All()
	got := b.All()
	if len(got) != 2 || got[0].Program != Events || got[0].Counts["told"] != 2 || got[1].State != Off {
		t.Fatalf("board: %+v", got)
	}
	b.Set(Idle(Events, "no member"))
	if got := b.All(); len(got) != 2 || got[0].State != Unused {
		t.Fatalf("replaced: %+v", got)
	}
	if got := (*Board)(nil).All(); got == nil || len(got) != 0 {
		t.Fatalf("no board: %+v", got)
	}
}

func TestRefusedNamesTheCure(t *testing.T) {
	err := errors.New("attach the kernel's events: no")
	s := Refused(Events, err, func() bpf.Feature {
		return bpf.Feature{Name: "events", Missing: "permission", Cure: "run as root"}
	})
	if s.State != Missing || s.Missing != "permission" || s.Cure != "run as root" || s.Purpose == "" {
		t.Errorf("cure of the trial: %+v", s)
	}
	s = Refused(Events, err, func() bpf.Feature { return bpf.Feature{Can: true} })
	if s.Missing != err.Error() || s.Cure == "" {
		t.Errorf("the trial succeeds: %+v", s)
	}
}

func TestModeOf(t *testing.T) {
	env := func(v string) func(string) string {
		return func(k string) string {
			if k == "KERNEL" {
				return v
			}
			return ""
		}
	}
	for _, c := range []struct {
		word, env string
		want      Mode
	}{{"auto", "", Auto}, {"", "", Auto}, {"require", "", Require}, {"never", "", Never}, {"require", "off", Never}, {"auto", "on", Auto}} {
		m, why := ModeOf(c.word, env(c.env))
		if m != c.want || (m == Never) != (why != "") {
			t.Errorf("%q with KERNEL=%q: %s, %q", c.word, c.env, m, why)
		}
	}
}
