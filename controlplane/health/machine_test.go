package health

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/scenario"
)

// TestMachine plays testdata/*.txt. Commands:
//
//	settings every=5s down=3 up=2 slow=30s   a new machine at 14:00:00
//	wait DURATION                            time passes, nothing is printed
//	ok TEXT, request TEXT, fail TEXT         a sample at the time the machine asked for
//	trip DURATION [time|request|ping]        the data path avoids the member
//	look                                     prints the verdict
func TestMachine(t *testing.T) {
	scenario.Run(t, "testdata/*.txt", func(t *testing.T) func([]string) string {
		now := time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)
		var m Machine
		look := func(extra string) string {
			v := m.Verdict(now)
			step := ""
			if at := m.Step(now); !at.IsZero() {
				step = " step " + at.Format("15:04:05")
			}
			return fmt.Sprintf("%s %-8s %3d%% next %s%s%s\n         %s", now.Format("15:04:05"), v.State, v.Share,
				m.Due().Format("15:04:05.0"), step, extra, v.Why(now))
		}
		dur := func(s string) time.Duration {
			d, err := time.ParseDuration(s)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		return func(w []string) string {
			switch w[0] {
			case "settings":
				s := Settings{Every: 5 * time.Second, Connect: time.Second, Timeout: time.Second, DownAfter: 3, UpAfter: 2}
				for _, kv := range w[1:] {
					k, v, _ := strings.Cut(kv, "=")
					switch k {
					case "every":
						s.Every = dur(v)
					case "slow":
						s.SlowStart = dur(v)
					case "down":
						fmt.Sscan(v, &s.DownAfter)
					case "up":
						fmt.Sscan(v, &s.UpAfter)
					default:
						t.Fatalf("unknown setting %q", k)
					}
				}
				m = NewMachine(s, now)
				return look("")
			case "wait":
				now = now.Add(dur(w[1]))
				return ""
			case "look":
				return look("")
			case "ok", "request", "fail":
				if m.Due().After(now) {
					now = m.Due()
				}
				extra := ""
				if m.Sample(Sample{At: now, OK: w[0] != "fail", Request: w[0] == "request", Text: strings.Join(w[1:], " ")}) {
					extra = " (trip over)"
				}
				return look(extra)
			case "trip":
				ends := map[string]Proof{"time": ByTime, "request": ByRequest, "ping": ByPing}[w[2]]
				m.Trip(Trip{At: now, Until: now.Add(dur(w[1])), Ends: ends})
				return look("")
			}
			t.Fatalf("unknown command %q", w[0])
			return ""
		}
	})
}

func TestSpan(t *testing.T) {
	f := func(d time.Duration, want string) {
		t.Helper()
		if got := Span(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
	f(-time.Second, "0s")
	f(999*time.Millisecond, "0s")
	f(59*time.Second, "59s")
	f(60*time.Second, "1m")
	f(200*time.Second, "3m 20s")
	f(2*time.Hour+5*time.Minute+9*time.Second, "2h 5m")
	f(76*time.Hour, "3d 4h")
}

func TestFast(t *testing.T) {
	f := func(every, want time.Duration) {
		t.Helper()
		if got := (Settings{Every: every}).Fast(); got != want {
			t.Errorf("every %v: got %v, want %v", every, got, want)
		}
	}
	f(time.Hour, time.Second)
	f(5*time.Second, time.Second)
	f(2*time.Second, 400*time.Millisecond)
	f(500*time.Millisecond, 200*time.Millisecond)
	f(100*time.Millisecond, 100*time.Millisecond)
}
