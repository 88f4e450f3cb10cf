package realtomcat

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/tribes"
)

// forger sends datagrams to the group that only Catherd hears: from Catherd's own host,
// with a time to live of 0, which loops them back and lets none out on the cable
// (RFC 1112, 6.1). The Tomcats, which believe what they hear, are left alone.
type forger struct {
	t     *testing.T
	c     *net.UDPConn
	group netip.AddrPort
}

// forge opens a forger that speaks from an address, be it of that host or not.
func (s *premises) forge(h *herd, from string) *forger {
	s.t.Helper()
	f := &forger{t: s.t, group: netip.MustParseAddrPort(h.where())}
	err := s.host.there(func() error {
		on, err := net.InterfaceByName(catherdSide)
		if err != nil {
			return err
		}
		l := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
			cerr := raw.Control(func(fd uintptr) { err = liar(int(fd), on.Index) })
			if cerr != nil {
				return cerr
			}
			return err
		}}
		c, err := l.ListenPacket(s.t.Context(), "udp4", from)
		if err != nil {
			return fmt.Errorf("speak from %s: %v", from, err)
		}
		f.c = c.(*net.UDPConn)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { f.c.Close() })
	return f
}

// liar prepares a socket that may have the address of anybody.
func liar(fd, on int) error {
	for _, o := range [][3]int{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}, // the port of the group is Catherd's as well
		{unix.IPPROTO_IP, unix.IP_TRANSPARENT, 1},
		{unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 0},
		{unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 1},
	} {
		if err := unix.SetsockoptInt(fd, o[0], o[1], o[2]); err != nil {
			return fmt.Errorf("socket option %v: %v", o, err)
		}
	}
	return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(on)})
}

func (f *forger) send(b []byte) {
	f.t.Helper()
	if _, err := f.c.WriteToUDPAddrPort(b, f.group); err != nil {
		f.t.Fatalf("send %d bytes to %s: %v", len(b), f.group, err)
	}
}

// heartbeats are datagrams of a herd's Tomcats themselves, caught where they live.
func (s *premises) heartbeats(h *herd) [][]byte {
	s.t.Helper()
	on, err := net.InterfaceByName("d0")
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := net.ListenMulticastUDP("udp4", on, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(h.where())))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	out := make([][]byte, len(h.tomcats))
	for missing := len(out); missing > 0; {
		buf := make([]byte, 2048)
		n, err := c.Read(buf)
		if err != nil {
			s.t.Fatal(err)
		}
		var m tribes.Member
		if _, err := tribes.Parse(buf[:n], &m); err != nil {
			s.t.Fatal(err)
		}
		for i, tomcat := range h.tomcats {
			if int(m.Port) == tomcat.Receiver && out[i] == nil {
				out[i] = buf[:n]
				missing--
			}
		}
	}
	return out
}

// stopOf is the word with which the sender of a heartbeat would say that it stops.
func stopOf(t *testing.T, heartbeat []byte) []byte {
	t.Helper()
	var m tribes.Member
	if _, err := tribes.Parse(heartbeat, &m); err != nil {
		t.Fatal(err)
	}
	m.Command, m.Alive = []byte("BABY-ALEX"), m.Alive+60_000
	return m.Append(nil)
}

// stranger is the n-th of the members that nobody has.
func stranger(n int) []byte {
	m := tribes.Member{Port: 4000, SecurePort: -1, UDPPort: -1, Alive: 5000}
	m.Host = netip.AddrFrom4([4]byte{10, 99, byte(n >> 8), byte(n)})
	m.Port += int32(n >> 16)
	binary.BigEndian.PutUint64(m.ID[:], uint64(n)+1)
	return m.Append(nil)
}

// forged: what strangers say changes nothing for anybody.
func (s *premises) forged() {
	people := s.b.come(20, 20*time.Millisecond, "/app/node.txt")
	before, out := len(s.b.said("cluster")), s.b.takenOut()
	start := time.Now()
	for _, h := range s.herds {
		s.chatter(h)
	}
	s.t.Logf("forged in %v", time.Since(start).Round(time.Millisecond))
	s.b.until("findings about the foreign address", func() bool {
		return len(s.b.said("finding", "is used from "+strangeHost)) == len(s.tomcats)
	})
	s.b.until("findings about strangers", func() bool {
		return len(s.b.said("finding", "more members than are kept")) == len(s.herds)
	})
	s.watch(time.Second, s.served)
	people.leave(s.t, "forged heartbeats")

	if got := len(s.b.status().Pools[0].Members); got != len(s.tomcats) {
		s.t.Errorf("%d members for %d Tomcats", got, len(s.tomcats))
	}
	if now := s.b.takenOut()[len(out):]; len(now) > 0 {
		s.t.Errorf("strangers were believed: %q", now)
	}
	// At most 20 events of a second are about strangers, in each group.
	most := len(s.herds) * (20 + 20*int(time.Since(start)/time.Second+2))
	if said := len(s.b.said("cluster")) - before; said > most {
		s.t.Errorf("%d log lines about the groups in %v, want %d at most", said, time.Since(start), most)
	}
	s.t.Logf("memory of catherd: %s", s.memory())
}

// chatter is everything strangers can say but a stop.
func (s *premises) chatter(h *herd) {
	real := s.heartbeats(h)
	f := s.forge(h, strangeHost+":0")
	bad := append([]byte("TRIBES-C"), real[0][8:]...)
	for range 100 {
		f.send(bad) // wrong magic
	}
	for _, b := range real {
		for n := range b {
			f.send(b[:n]) // every length that is too short
		}
	}
	noise := rand.NewChaCha8([32]byte{})
	large := make([]byte, 65507) // the most a datagram holds
	for _, magic := range []string{"", "TRIBES-B\x01\x00\x00\x00\xff\xc9", "FLT2002\x00\x00\xff\xd1"} {
		for range 20 {
			_, _ = noise.Read(large) // has no errors
			copy(large, magic)
			f.send(large)
		}
	}
	for range 20 {
		for _, b := range real {
			f.send(b) // the ids of members, from a foreign address
		}
	}
	for n := range 100_000 {
		f.send(stranger(n))
		if n%50 == 0 { // some are told twice, as a real member would
			f.send(stranger(n))
		}
	}
}

// memory is the resident memory of the balancer, in words of the kernel.
func (s *premises) memory() string {
	for line := range strings.Lines(s.proc("status")) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "unknown"
}

// stops: a stop that the member has not said is a reason to ask it, and no more.
func (s *premises) stops() {
	for _, h := range s.herds {
		s.stopsOf(h)
	}
}

func (s *premises) stopsOf(h *herd) {
	word := stopOf(s.t, s.heartbeats(h)[1])
	tomcat := h.tomcats[1]
	receiver := fmt.Sprintf("%s:%d", tomcatHost, tomcat.Receiver)
	own := fmt.Sprintf("%s:%d", tomcatHost, h.group.Port)
	for _, way := range []struct {
		what, from string
		believed   bool
	}{
		{"a foreign address", strangeHost + ":0", false},
		{"the member's own address", tomcatHost + ":0", false},
		// Any process of its host could do that. Its heartbeats take it back.
		{"the member's own address and port", own, true},
	} {
		people, out := s.b.come(20, 20*time.Millisecond, "/app/node.txt"), s.b.takenOut()
		was := s.b.has(tomcat, "is ready", func(m *admin.MemberStatus) bool { return m.State == compile.Ready })
		f := s.forge(h, way.from)
		sent := time.Now()
		f.send(word)
		now := s.b.has(tomcat, "was asked", func(m *admin.MemberStatus) bool { return m.Checked.After(was.Checked) })
		s.t.Logf("a stop of %s from %s: asked %v later", tomcat.Name, way.what, now.Checked.Sub(sent).Round(time.Millisecond))
		if way.believed {
			s.b.until("the stop is taken back", func() bool { return len(s.b.said("cluster", receiver+" goes on sending heartbeats")) > 0 })
		} else {
			s.b.until("the stop is doubted", func() bool { return len(s.b.said("finding", "a stop of "+receiver, "not believed")) > 0 })
		}
		s.b.has(tomcat, "is ready", func(m *admin.MemberStatus) bool { return m.State == compile.Ready })
		people.leave(s.t, "a stop forged from "+way.what)
		most := 0
		if way.believed {
			most = 1
		}
		if now := s.b.takenOut()[len(out):]; len(now) > most {
			s.t.Errorf("a stop from %s has taken out: %q", way.what, now)
		}
		f.c.Close()
	}
}
