package kernel

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/catherd/catherd/bpf/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A member that is written as a name is watched at all its addresses, one that is
// written as a number at once.
func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.7:8009": "10.0.0.7:8009", "[::ffff:10.0.0.7]:8009": "10.0.0.7:8009", "[fe80::1%eth0]:8009": "[fe80::1]:8009",
	} {
		if at, ok := numbers(text); !ok || at.String() != want {
			t.Errorf("%s: %s, %v", text, at, ok)
		}
	}
	if at, ok := numbers("tomcat1:8009"); ok {
		t.Errorf("a name is a number: %s", at)
	}
	got := lookup(t.Context(), []string{"localhost:8009", "no port", "localhost:99999"})
	if len(got) != 1 || len(got["localhost:8009"]) == 0 {
		t.Fatalf("looked up: %v", got)
	}
	for _, a := range got["localhost:8009"] {
		if !a.Addr().IsLoopback() || a.Port() != 8009 {
			t.Errorf("localhost is %s", a)
		}
	}
}

// On this machine's kernel: connections that a member ends become an alarm that names
// the member, also when it is written as a name. Where there are no events the status
// has the cure.
func TestFeedOfTheKernel(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var open atomic.Int64
	f := NewFeed(OpenEvents, slog.New(slog.DiscardHandler))
	defer f.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	never := ""
	if os.Getenv("KERNEL") == "off" {
		never = "KERNEL=off in the environment"
	}
	f.Set([]Member{{ID: "app/a", Addr: "localhost:" + port, Open: &open}, {ID: "app/b", Addr: "127.0.0.1:1"}}, never)
	err = f.Attached()
	if s := f.Status(); err != nil || never != "" {
		if s.State == Attached || s.Missing == "" || err != nil && s.Cure == "" {
			t.Errorf("not attached (%v), and the status says %+v", err, s)
		}
		t.Log("no events here:", s.Missing)
		return
	}
	for f.Status().Has["addresses"] < 2 { // until the name is resolved
		time.Sleep(time.Millisecond)
	}
	var conns []net.Conn
	for range 4 {
		for _, dial := range []func() (net.Conn, error){func() (net.Conn, error) { return net.Dial("tcp4", l.Addr().String()) }, l.Accept} {
			c, err := dial()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			conns = append(conns, c)
		}
	}
	open.Store(4)
	before := time.Now()
	for i := 1; i < len(conns); i += 2 {
		conns[i].Close() // the member's end
	}
	for {
		select {
		case a := <-f.Alarms():
			if len(a.IDs) != 1 || a.IDs[0] != "app/a" || a.Cause != Ends || a.Began.Before(before.Add(-time.Millisecond)) || a.Time.Before(a.Began) {
				t.Errorf("alarm %+v, after %v", a, before)
			}
			if !a.Avoid {
				continue // only some have ended yet
			}
			if a.Count != 4 {
				t.Errorf("avoided after %d of 4: %s", a.Count, a.Text)
			}
			return
		case <-time.After(20 * time.Second):
			t.Fatalf("no alarm; %+v", f.Status())
		}
	}
}

// deaf is a Source that tells nothing.
type deaf struct{ out chan []events.Event }

func (d deaf) Set([]netip.AddrPort) error     { return nil }
func (d deaf) Batches() <-chan []events.Event { return d.out }
func (d deaf) Lost() uint64                   { return 0 }
func (d deaf) Close() error                   { return nil }

// What the kernel refuses is tried once; what ends by itself is said.
func TestFeedGivesUp(t *testing.T) {
	tries := 0
	f := NewFeed(func([]netip.AddrPort) (Source, error) {
		tries++
		return nil, errors.New("attach: no")
	}, slog.New(slog.DiscardHandler))
	for range 3 {
		f.Set([]Member{{ID: "app/a", Addr: "127.0.0.1:1"}}, "")
		if err := f.Attached(); err == nil {
			t.Error("attached")
		}
	}
	f.Close()
	if tries != 1 {
		t.Errorf("%d tries", tries)
	}

	d := deaf{make(chan []events.Event)}
	f = NewFeed(func([]netip.AddrPort) (Source, error) { return d, nil }, slog.New(slog.DiscardHandler))
	defer f.Close()
	f.Set(nil, "")
	if err := f.Attached(); err != nil || f.Status().State != Attached {
		t.Fatalf("%v, %+v", err, f.Status())
	}
	close(d.out)
	for f.Status().State == Attached {
		time.Sleep(time.Millisecond)
	}
}
