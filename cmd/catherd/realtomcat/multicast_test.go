package realtomcat

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
)

// long makes the tests take the times that a person would: CATHERD_TEST_LONG=1.
var long = os.Getenv("CATHERD_TEST_LONG") != ""

// lasting is the long time where that is wanted, otherwise the short one.
func lasting(short, all time.Duration) time.Duration {
	if long {
		return all
	}
	return short
}

// TestHosts has the Tomcats on one host and Catherd on another one: two network
// namespaces and a cable. What hears and what serves are cut off from each other there,
// and strangers speak in the group.
func TestHosts(t *testing.T) {
	parts := []struct {
		name string
		do   func(*premises)
	}{
		{"discovered", (*premises).discovered},
		{"multicast_blocked", (*premises).multicastBlocked},
		{"AJP_blocked", (*premises).ajpBlocked},
		{"nothing_sent", (*premises).nothingSent},
		{"forged", (*premises).forged},
		{"stops", (*premises).stops},
		{"flood", (*premises).flood},
	}
	if os.Getenv(inNamespace) == "" {
		r := startReference(t)
		namespaced(t, len(parts))
		t.Run("healthy", r.healthy)
		return
	}
	s := openPremises(t)
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			s.t, s.b.t, s.host.t = t, t, t
			part.do(s)
		})
	}
	s.t, s.b.t, s.host.t = t, t, t
	s.b.stop()
}

// premises are two clusters of two Tomcats, of the oldest and of a recent generation, on
// one host, and Catherd on the other one, which hears both and has one pool.
type premises struct {
	t       *testing.T
	host    *host
	wall    *filter
	herds   []*herd
	tomcats []*catalina.Tomcat // of both
	b       *balancer
}

// openPremises starts everything but the Tomcats. Probes are rare, so that one soon after an
// event has the event as its reason.
func openPremises(t *testing.T) *premises {
	t.Helper()
	s := &premises{t: t, host: twoHosts(t)}
	s.wall = s.host.guard()
	base := herdBase(t, 4)
	old := newHerd(t, tomcatHost, base, "old", "7.0.109", "7.0.109")
	recent := newHerd(t, tomcatHost, base+2*herdStep, "recent", "10.1.34", "10.1.34")
	s.herds, s.tomcats = []*herd{old, recent}, slices.Concat(old.tomcats, recent.tomcats)
	s.b = balanceBy(t, s.text(byOffset), s.host.enter()...)
	return s
}

// text is Catherd's configuration.
func (s *premises) text(discover func([]*catalina.Tomcat) string) string {
	return fmt.Sprintf(`listen: %s:LISTEN
tribes:
  - {group: "%s", interface: %s, drop_after: 1500ms}
  - {group: "%s", interface: %s, drop_after: 1500ms}
pools:
  app:
    health: {every: 10s}
    discover: %s
`, catherdHost, s.herds[0].where(), catherdSide, s.herds[1].where(), catherdSide, discover(s.tomcats))
}

// discovered: the four are served, though nothing of their host can be looked at: by
// their distance from the receivers, and by trying, where nobody can say which connector
// is whose.
func (s *premises) discovered() {
	trying := balanceBy(s.t, s.text(byTrying), s.host.enter()...)
	births(s.t, "four on another host", s.tomcats, []*balancer{s.b, trying})
	for _, tomcat := range s.tomcats {
		s.b.has(tomcat, "is ready and heard", func(m *admin.MemberStatus) bool {
			return m.State == compile.Ready && strings.Contains(m.Why, "heard 0.")
		})
		trying.has(tomcat, "is ready", func(m *admin.MemberStatus) bool { return m.State == compile.Ready })
	}
	trying.stop()
}

// watch has every member looked at again and again for a time.
func (s *premises) watch(span time.Duration, look func(*admin.MemberStatus)) {
	s.t.Helper()
	over := time.NewTimer(span)
	defer over.Stop()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-over.C:
			return
		case <-again.C:
			now := s.b.status()
			for _, tomcat := range s.tomcats {
				m := at(now, tomcat)
				if m == nil {
					s.t.Fatalf("%s is no member any more; catherd's log:\n%s", tomcat.Name, s.b.text())
				}
				look(m)
			}
		}
	}
}

// served requires that a member takes requests.
func (s *premises) served(m *admin.MemberStatus) {
	s.t.Helper()
	if m.State != compile.Ready && m.State != compile.Shaky {
		s.t.Fatalf("%s is %s: %s; catherd's log:\n%s", m.Name, m.State, m.Why, s.b.text())
	}
}

// proc reads what the kernel says of Catherd's process.
func (s *premises) proc(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.b.run.PID, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// multicastBlocked: no heartbeat arrives, requests do. Nobody is taken out, and the
// status says what is the matter.
func (s *premises) multicastBlocked() {
	people := s.b.come(20, 20*time.Millisecond, "/app/node.txt")
	s.wall.set(s.t, rules{Group: 1})
	unheard := map[string]bool{}
	s.watch(lasting(8*time.Second, 60*time.Second), func(m *admin.MemberStatus) {
		s.served(m)
		if strings.Contains(m.Why, "not heard for") {
			unheard[m.URL] = true
		}
	})
	if len(unheard) != len(s.tomcats) {
		s.t.Errorf("not heard according to the status: %v, want all; catherd's log:\n%s", unheard, s.b.text())
	}
	for _, m := range s.b.status().Pools[0].Members {
		s.t.Logf("%s: %s: %s", m.Name, m.State, m.Why)
	}
	if s.wall.gone(s.t) == 0 {
		s.t.Error("the filter has thrown nothing away")
	}
	if found := s.b.said("finding", "no member has been heard"); len(found) != len(s.herds) {
		s.t.Errorf("findings about the silence: %q, want one for each group", found)
	}
	s.wall.set(s.t, rules{})
	for _, tomcat := range s.tomcats {
		s.b.has(tomcat, "is heard again", func(m *admin.MemberStatus) bool {
			return m.State == compile.Ready && strings.Contains(m.Why, "heard 0.")
		})
	}
	people.leave(s.t, "multicast blocked")
	if down := s.b.said("member down"); len(down) > 0 {
		s.t.Errorf("taken out: %q", down)
	}
}

// ajpBlocked: heartbeats arrive, answers to requests do not. Probes take the member out,
// and the status says both.
func (s *premises) ajpBlocked() {
	mute, other := s.tomcats[0], s.tomcats[1]
	s.wall.set(s.t, rules{Port: uint32(mute.AJP)})
	people := s.b.come(20, 20*time.Millisecond, "/app/node.txt")
	m := s.b.has(mute, "is down though it is heard", func(m *admin.MemberStatus) bool {
		return m.State == compile.Down && strings.Contains(m.Why, "last heartbeat 0.")
	})
	s.t.Logf("%s: %s: %s", m.Name, m.State, m.Why)
	if s.wall.gone(s.t) == 0 {
		s.t.Error("the filter has thrown nothing away")
	}
	if now := at(s.b.status(), other); now.State != compile.Ready {
		s.t.Errorf("%s is %s: %s", now.Name, now.State, now.Why)
	}
	s.wall.set(s.t, rules{})
	s.b.has(mute, "is ready again", func(m *admin.MemberStatus) bool { return m.State == compile.Ready })
	people.leave(s.t, "AJP of one Tomcat blocked")
}

// nothingSent: whatever has happened until now, the kernel has sent no datagram for
// anybody on Catherd's host, where there is nobody else.
func (s *premises) nothingSent() {
	sent := s.udp("OutDatagrams")
	if sent != 0 {
		s.t.Errorf("%d datagrams left Catherd's host", sent)
	}
	if got := s.udp("InDatagrams"); got == 0 {
		s.t.Error("no datagram was received on Catherd's host: nothing was measured")
	}
}

// udp is one of the kernel's counters of UDP on Catherd's host (RFC 4113).
func (s *premises) udp(name string) int {
	s.t.Helper()
	text := s.proc("net/snmp")
	var lines [][]string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "Udp:") {
			lines = append(lines, strings.Fields(line))
		}
	}
	if len(lines) != 2 {
		s.t.Fatalf("no counters of UDP in %q", text)
	}
	n, err := strconv.Atoi(lines[1][slices.Index(lines[0], name)])
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}
