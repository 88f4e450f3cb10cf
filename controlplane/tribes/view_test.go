package tribes

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/scenario"
)

// TestView plays testdata/view/*.txt. Commands:
//
//	view [drop=3s] [domain=D] [max=N] [persource=N] [local=ADDR,ADDR]
//	    a new view at 14:00:00
//	change [drop=3s] [domain=D]
//	    other settings for the same view
//	tomcat NAME ADDR:PORT [key=value]...
//	    a Tomcat, just started. Keys: src (source of its datagrams, default its
//	    address and 45564), id (one byte that fills the id), domain, payload
//	hear NAME [key=value]...
//	    one heartbeat of it; keys as above and age=DURATION, for this datagram
//	stop NAME [key=value]...
//	    one stop command of it
//	restart NAME id=N
//	    a new id, and the age begins anew
//	run DURATION [NAME]...
//	    time passes, the named ones send heartbeats every 500ms, Tick is called
//	    when the view asks for it
//	frozen DURATION
//	    time passes and nobody calls anything; DURATION may be negative
//	flood N [src=ADDR] [from=N]
//	    N members that are heard once each; what appears is only counted
//	junk TEXT, lost N, keep ADDR:PORT
//	nodes, status
//
// All print the events they cause, as seconds since the start.
func TestView(t *testing.T) {
	scenario.Run(t, "testdata/view/*.txt", func(t *testing.T) func([]string) string {
		w := &viewWorld{t: t, start: time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC), tomcats: map[string]*tomcat{}}
		w.now = w.start
		return w.do
	})
}

type tomcat struct {
	Member
	src   netip.AddrPort
	since time.Time // it was started
}

type viewWorld struct {
	t       *testing.T
	start   time.Time
	now     time.Time
	view    *View
	tomcats map[string]*tomcat
}

func (w *viewWorld) do(words []string) string {
	args := words[1:]
	switch words[0] {
	case "view":
		w.view = NewView(w.settings(args))
		return ""
	case "change":
		w.view.Change(w.settings(args))
		return ""
	case "tomcat":
		to := &tomcat{since: w.now.Add(-time.Second)}
		at := w.addr(args[1])
		to.Host, to.Port, to.SecurePort, to.UDPPort = at.Addr(), int32(at.Port()), -1, -1
		to.src = netip.AddrPortFrom(at.Addr(), 45564)
		to.ID = fill(byte(len(w.tomcats) + 1))
		w.change(to, args[2:])
		w.tomcats[args[0]] = to
		return ""
	case "restart":
		to := w.tomcats[args[0]]
		to.since = w.now.Add(-time.Second)
		w.change(to, args[1:])
		return ""
	case "hear", "stop":
		to := *w.tomcats[args[0]]
		if words[0] == "stop" {
			to.Command = []byte(stopCommand)
		}
		to.Alive = w.now.Sub(to.since).Milliseconds()
		w.change(&to, args[1:])
		return w.events(w.view.Hear(w.now, to.src, to.Append(nil)))
	case "run":
		return w.run(w.duration(args[0]), args[1:])
	case "frozen":
		d := w.duration(args[0])
		w.now = w.now.Add(d)
		if d < 0 { // our clock is set, the Tomcats' is not
			for _, to := range w.tomcats {
				to.since = to.since.Add(d)
			}
		}
		return ""
	case "junk":
		return w.events(w.view.Hear(w.now, netip.MustParseAddrPort("10.9.9.9:9"), []byte(strings.Join(args, " "))))
	case "lost":
		return w.events(w.view.Lost(w.now, uint64(w.number(args[0]))))
	case "keep":
		w.view.Keep(w.addr(args[0]), true)
		return ""
	case "flood":
		return w.flood(args)
	case "nodes":
		return w.nodes()
	case "status":
		return w.status()
	}
	w.t.Fatalf("unknown command %q", words[0])
	return ""
}

func (w *viewWorld) settings(args []string) (s Settings) {
	for k, v := range pairs(args) {
		switch k {
		case "drop":
			s.DropAfter = w.duration(v)
		case "domain":
			s.Domain = v
		case "max":
			s.Max = w.number(v)
		case "persource":
			s.PerSource = w.number(v)
		case "local":
			for _, a := range strings.Split(v, ",") {
				s.Local = append(s.Local, netip.MustParseAddr(a))
			}
		default:
			w.t.Fatalf("unknown setting %q", k)
		}
	}
	return s
}

// change applies key=value to a Tomcat or to a copy that sends one datagram.
func (w *viewWorld) change(to *tomcat, args []string) {
	for k, v := range pairs(args) {
		switch k {
		case "src":
			to.src = w.addr(v)
		case "id":
			to.ID = fill(byte(w.number(v)))
		case "domain":
			to.Domain = []byte(v)
		case "payload":
			to.Payload = []byte(v)
		case "age":
			to.Alive = w.duration(v).Milliseconds()
		default:
			w.t.Fatalf("unknown key %q", k)
		}
	}
}

// run lets time pass in steps of 50ms, so that a Tick is late by less.
func (w *viewWorld) run(d time.Duration, names []string) string {
	var out strings.Builder
	const step = 50 * time.Millisecond
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(step)
		if next := w.view.Next(); !next.IsZero() && !w.now.Before(next) {
			out.WriteString(w.events(w.view.Tick(w.now)))
		}
		if w.now.Sub(w.start)%(500*time.Millisecond) == 0 {
			for _, name := range names {
				out.WriteString(w.do([]string{"hear", name}))
			}
		}
	}
	return out.String()
}

// flood sends heartbeats of members that are heard once each.
func (w *viewWorld) flood(args []string) string {
	src, first := netip.MustParseAddr("10.6.6.6"), 0
	for k, v := range pairs(args[1:]) {
		switch k {
		case "src":
			src = netip.MustParseAddr(v)
		case "from":
			first = w.number(v)
		}
	}
	var out strings.Builder
	appeared := 0
	for i := range w.number(args[0]) {
		n := first + i
		m := Member{Host: netip.AddrFrom4([4]byte{10, 200, byte(n >> 8), byte(n)}), Port: 4000, SecurePort: -1, UDPPort: -1, Alive: 1000}
		copy(m.ID[:], fmt.Sprintf("forged%10d", n))
		for _, e := range w.view.Hear(w.now, netip.AddrPortFrom(src, 45564), m.Append(nil)) {
			if e.Kind == Appeared {
				appeared++
				continue
			}
			out.WriteString(w.events([]Event{e}))
		}
	}
	fmt.Fprintf(&out, "%s appeared     %d of them", w.at(w.now), appeared)
	return out.String()
}

func (w *viewWorld) at(t time.Time) string { return fmt.Sprintf("%7.2f", t.Sub(w.start).Seconds()) }

func (w *viewWorld) events(events []Event) string {
	var out strings.Builder
	for _, e := range events {
		if e.Again {
			e.Text = "again: a reason to look at " + e.Node.Receiver.String()
		}
		fmt.Fprintf(&out, "%s %-12s %s\n", w.at(e.At), e.Kind, e.Text)
	}
	return out.String()
}

func (w *viewWorld) nodes() string {
	var out strings.Builder
	for _, n := range slices.Concat(w.view.Nodes(), w.view.Others()) {
		fmt.Fprintf(&out, "%s %s id %s from %s since %s, heard %s, %d beats, %d incarnations, age %s", n.Receiver, n.State, n.ID,
			n.Source, strings.TrimSpace(w.at(n.Since)), strings.TrimSpace(w.at(n.LastHeard)), n.Beats, n.Incarnations, n.Age)
		if n.Interval > 0 {
			fmt.Fprintf(&out, ", every %s", span(n.Interval))
		}
		if n.Domain != "" {
			fmt.Fprintf(&out, ", domain %q", n.Domain)
		}
		if n.Payload != "" {
			fmt.Fprintf(&out, ", payload %q", n.Payload)
		}
		for _, flag := range []struct {
			set  bool
			word string
		}{{!n.Confirmed, "unconfirmed"}, {n.Filtered, "filtered"}, {n.Rewritten, "rewritten"}, {n.Loopback, "loopback"}, {n.SharedID, "shared-id"},
			{!n.ConflictAt.IsZero(), "conflict"}, {!n.ForeignAt.IsZero(), "foreign"}, {!n.SuspectAt.IsZero(), "suspect"}, {!n.BackwardAt.IsZero(), "backwards"}} {
			if flag.set {
				out.WriteString(", " + flag.word)
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}

func (w *viewWorld) status() string {
	s := w.view.Status()
	out := fmt.Sprintf("nodes %d others %d heartbeats %d shutdowns %d frames %d junk %d foreign %d evicted %d refused %d skipped %d unheeded %d",
		s.Nodes, s.Others, s.Heartbeats, s.Shutdowns, s.Frames, s.Junk, s.Foreign, s.Evicted, s.Refused, s.Skipped, s.Unheeded)
	if !s.DeafSince.IsZero() {
		out += " deaf since " + strings.TrimSpace(w.at(s.DeafSince))
	}
	return out
}

func (w *viewWorld) addr(s string) netip.AddrPort {
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *viewWorld) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *viewWorld) number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// pairs yields key and value of each word.
func pairs(words []string) func(func(k, v string) bool) {
	return func(yield func(k, v string) bool) {
		for _, word := range words {
			k, v, _ := strings.Cut(word, "=")
			if !yield(k, v) {
				return
			}
		}
	}
}

func fill(b byte) (id ID) {
	for i := range id {
		id[i] = b
	}
	return id
}
