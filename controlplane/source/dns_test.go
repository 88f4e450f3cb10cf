package source

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// zone is a DNS server of one test, on loopback, over UDP and TCP.
type zone struct {
	mu      sync.Mutex
	records map[string][]string // "name type" to records
	codes   map[string]int      // "name type" to a Rcode
	long    bool                // answers over UDP are cut
	asked   []string
	addr    string
}

func serve(t *testing.T) *zone {
	t.Helper()
	z := &zone{records: map[string][]string{}, codes: map[string]int{}}
	var l net.Listener
	var p net.PacketConn
	for range 20 { // one port for both
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if p, err = net.ListenPacket("udp", l.Addr().String()); err == nil {
			break
		}
		l.Close()
	}
	z.addr = l.Addr().String()
	for _, s := range []*dns.Server{{Listener: l, Handler: z}, {PacketConn: p, Handler: z}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.ActivateAndServe()
		}()
		<-started
		t.Cleanup(func() {
			s.Shutdown()
			<-ended
		})
	}
	return z
}

func (z *zone) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	z.mu.Lock()
	defer z.mu.Unlock()
	key := q.Question[0].Name + " " + dns.TypeToString[q.Question[0].Qtype]
	udp := w.LocalAddr().Network() == "udp"
	z.asked = append(z.asked, key+" "+w.LocalAddr().Network())
	m := new(dns.Msg)
	m.SetReply(q)
	m.Rcode = z.codes[key]
	if z.long && udp {
		m.Truncated = true
		w.WriteMsg(m)
		return
	}
	for _, text := range z.records[key] {
		r, err := dns.NewRR(text)
		if err != nil {
			panic(err)
		}
		m.Answer = append(m.Answer, r)
	}
	w.WriteMsg(m)
}

func (z *zone) set(key string, records ...string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records[key] = records
}

func (z *zone) code(key string, code int) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.codes[key] = code
}

// stepped runs a DNS whose waits the test ends one by one.
type stepped struct {
	t     *testing.T
	d     *DNS
	waits chan time.Duration
	tick  chan time.Time
	news  atomic.Int32
}

func start(t *testing.T, q Question, servers ...string) *stepped {
	t.Helper()
	s := &stepped{t: t, d: NewDNS([]Question{q}, servers...), waits: make(chan time.Duration), tick: make(chan time.Time)}
	s.d.now = func() time.Time { return time.Unix(1000, 0) }
	ctx, cancel := context.WithCancel(t.Context())
	s.d.after = func(d time.Duration) <-chan time.Time {
		select {
		case s.waits <- d:
		case <-ctx.Done():
		}
		return s.tick
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.d.Run(ctx, func() { s.news.Add(1) })
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return s
}

// want waits until a look has ended, and compares.
func (s *stepped) want(wait time.Duration, news bool, addrs, problem string) {
	s.t.Helper()
	got := <-s.waits
	found, status := s.d.Get()
	text := strings.Trim(fmt.Sprint(found[0].Addrs), "[]")
	if len(found[0].Addrs) > 0 && found[0].Addrs[0].Addr().Is6() {
		text = fmt.Sprint(found[0].Addrs)[1:]
		text = text[:len(text)-1]
	}
	if got != wait || text != addrs || (s.news.Swap(0) > 0) != news {
		s.t.Errorf("waits %v, %s; want %v, %s, news %v", got, text, wait, addrs, news)
	}
	if problem == "" && status[0].Problem != "" || !strings.Contains(status[0].Problem, problem) {
		s.t.Errorf("problem %q, want %q", status[0].Problem, problem)
	}
	if status[0].Next != time.Unix(1000, 0).Add(wait) {
		s.t.Errorf("next %v", status[0].Next)
	}
}

func (s *stepped) again() { s.tick <- time.Time{} }

func TestNamesAreAskedAgainByTheirAge(t *testing.T) {
	z := serve(t)
	z.set("tomcats.example. A", "tomcats.example. 30 A 10.0.0.2", "tomcats.example. 20 A 10.0.0.1", "tomcats.example. 30 A 10.0.0.2")
	s := start(t, Question{Pool: "app", Name: "tomcats.example", Scheme: "ajp", Port: 8009}, z.addr)
	s.want(20*time.Second, true, "10.0.0.1:8009 10.0.0.2:8009", "")

	// Nothing new: nobody is told.
	s.again()
	s.want(20*time.Second, false, "10.0.0.1:8009 10.0.0.2:8009", "")

	// IPv6 and an alias, and an age of nothing.
	z.set("tomcats.example. A", "tomcats.example. 0 CNAME t.example.", "t.example. 60 A 10.0.0.1")
	z.set("tomcats.example. AAAA", "tomcats.example. 60 AAAA fd00::1")
	s.again()
	s.want(time.Second, true, "10.0.0.1:8009 [fd00::1]:8009", "")

	// A day is too long for us.
	z.set("tomcats.example. A", "tomcats.example. 86400 A 10.0.0.1")
	z.set("tomcats.example. AAAA")
	s.again()
	s.want(5*time.Minute, true, "10.0.0.1:8009", "")

	// The name vanishes: the last good answer holds, and it is said once.
	z.set("tomcats.example. A")
	s.again()
	s.want(time.Second, true, "10.0.0.1:8009", `"tomcats.example" has no address`)
	s.again()
	s.want(2*time.Second, false, "10.0.0.1:8009", `"tomcats.example" has no address`)

	// The resolver is ill: the same, less and less often.
	z.code("tomcats.example. A", dns.RcodeServerFailure)
	s.again()
	s.want(4*time.Second, true, "10.0.0.1:8009", "SERVFAIL")
	for _, wait := range []time.Duration{8, 16, 30, 30} {
		s.again()
		s.want(wait*time.Second, false, "10.0.0.1:8009", "SERVFAIL")
	}
	z.code("tomcats.example. A", dns.RcodeSuccess)
	z.set("tomcats.example. A", "tomcats.example. 20 A 10.0.0.1")
	s.again()
	s.want(20*time.Second, true, "10.0.0.1:8009", "")
}

func TestHalfAnAnswer(t *testing.T) {
	z := serve(t)
	z.set("t.example. A", "t.example. 20 A 10.0.0.1")
	z.code("t.example. AAAA", dns.RcodeServerFailure)
	s := start(t, Question{Name: "t.example", Port: 8009}, z.addr)
	s.want(time.Second, true, "10.0.0.1:8009", "SERVFAIL")

	// It replaces what is known of its own protocol.
	z.set("t.example. A", "t.example. 20 A 10.0.0.9")
	s.again()
	s.want(2*time.Second, true, "10.0.0.9:8009", "SERVFAIL")
	s.again()
	s.want(4*time.Second, false, "10.0.0.9:8009", "SERVFAIL")

	// And nothing of the other.
	z.code("t.example. AAAA", dns.RcodeSuccess)
	z.set("t.example. AAAA", "t.example. 20 AAAA fd00::1")
	s.again()
	s.want(20*time.Second, true, "10.0.0.9:8009 [fd00::1]:8009", "")
	z.code("t.example. A", dns.RcodeServerFailure)
	z.set("t.example. AAAA", "t.example. 20 AAAA fd00::2")
	s.again()
	s.want(time.Second, true, "10.0.0.9:8009 [fd00::2]:8009", "SERVFAIL")
}

func TestServices(t *testing.T) {
	z := serve(t)
	z.set("_ajp._tcp.example. SRV",
		"_ajp._tcp.example. 40 SRV 10 5 8009 a.example.", "_ajp._tcp.example. 40 SRV 10 5 9009 a.example.",
		"_ajp._tcp.example. 40 SRV 20 5 8009 spare.example.", "_ajp._tcp.example. 40 SRV 10 5 8009 gone.example.")
	z.set("a.example. A", "a.example. 30 A 10.0.0.1")
	z.set("spare.example. A", "spare.example. 30 A 10.0.0.9")
	s := start(t, Question{Name: "_ajp._tcp.example", Scheme: "ajp", SRV: true}, z.addr)
	s.want(30*time.Second, true, "10.0.0.1:8009 10.0.0.1:9009", "")

	// None of the targets has an address: that is a mistake, not a wish.
	z.set("a.example. A")
	s.again()
	s.want(time.Second, true, "10.0.0.1:8009 10.0.0.1:9009", "no SRV record")

	// RFC 2782: the target "." says that there is none.
	z.set("_ajp._tcp.example. SRV", "_ajp._tcp.example. 40 SRV 0 0 0 .")
	s.again()
	s.want(40*time.Second, true, "", "")

	z.set("_ajp._tcp.example. SRV", "_ajp._tcp.example. 40 CNAME other.example.")
	s.again()
	s.want(time.Second, true, "", "no SRV record")
}

// hosts is an /etc/hosts on paper.
type hosts map[string][]string

func (h hosts) look(_ context.Context, name string) (out []netip.Addr) {
	for _, a := range h[strings.TrimSuffix(name, ".")] {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

// What /etc/hosts says comes first, for names and for targets of SRV records;
// what it does not say is asked of resolvers.
func TestHostsComeFirst(t *testing.T) {
	z := serve(t)
	z.set("tomcat1. A", "tomcat1. 300 A 10.0.0.9")
	z.set("tomcat2. A", "tomcat2. 300 A 10.0.0.2")
	z.set("_ajp._tcp.example. SRV", "_ajp._tcp.example. 40 SRV 10 5 8009 tomcat1.", "_ajp._tcp.example. 40 SRV 10 5 9009 tomcat2.")
	h := hosts{"tomcat1": {"10.0.0.1", "::ffff:10.0.0.1", "fd00::1"}}
	a := asker{servers: []string{z.addr}, local: h.look}
	f := func(q Question, want string, wantAge time.Duration) {
		t.Helper()
		addrs, age, err := a.find(t.Context(), q)
		if err != nil || fmt.Sprint(addrs) != want || age != wantAge {
			t.Errorf("%s is %v for %v, %v", q.Name, addrs, age, err)
		}
	}
	f(Question{Name: "tomcat1", Port: 8009}, "[10.0.0.1:8009 [fd00::1]:8009]", hostsAge)
	z.mu.Lock()
	if len(z.asked) != 0 {
		t.Errorf("asked %v", z.asked)
	}
	z.mu.Unlock()
	f(Question{Name: "tomcat2", Port: 8009}, "[10.0.0.2:8009]", 5*time.Minute)
	f(Question{Name: "_ajp._tcp.example", SRV: true}, "[10.0.0.1:8009 10.0.0.2:9009 [fd00::1]:8009]", hostsAge)

	// A host without any resolver knows its own file all the same.
	alone := asker{conf: filepath.Join(t.TempDir(), "missing"), local: h.look}
	if addrs, _, err := alone.find(t.Context(), Question{Name: "tomcat1", Port: 8009}); err != nil || len(addrs) != 2 {
		t.Errorf("without resolvers: %v, %v", addrs, err)
	}
	if _, _, err := alone.find(t.Context(), Question{Name: "tomcat2", Port: 8009}); err == nil {
		t.Error("found without resolvers")
	}
}

// The real file of this host has localhost, and the network is not asked for it.
func TestHostsOfThisHost(t *testing.T) {
	d := NewDNS([]Question{{Name: "localhost", Port: 8009}}, "127.0.0.1:1")
	wait, news := d.look(t.Context(), d.names[0])
	found, status := d.Get()
	if !news || wait != hostsAge || !slices.Contains(found[0].Addrs, netip.MustParseAddrPort("127.0.0.1:8009")) {
		t.Errorf("localhost is %v, %+v", found[0].Addrs, status[0])
	}
	if addrs := local(t.Context(), "surely.not.in.hosts.invalid"); len(addrs) != 0 {
		t.Errorf("found %v", addrs)
	}
}

func TestLongAnswersComeOverTCP(t *testing.T) {
	z := serve(t)
	z.long = true
	var many []string
	for i := range 300 {
		many = append(many, fmt.Sprintf("t.example. 30 A 10.0.%d.%d", i>>8, i&255))
	}
	z.set("t.example. A", many...)
	s := start(t, Question{Name: "t.example", Port: 8009}, z.addr)
	<-s.waits
	found, _ := s.d.Get()
	if len(found[0].Addrs) != maxAddrs || found[0].Addrs[0] != netip.MustParseAddrPort("10.0.0.0:8009") {
		t.Errorf("%d addresses", len(found[0].Addrs))
	}
}

func TestTheSecondResolverHelps(t *testing.T) {
	dead := serve(t)
	dead.code("t.example. A", dns.RcodeRefused)
	dead.code("t.example. AAAA", dns.RcodeRefused)
	z := serve(t)
	z.set("t.example. A", "t.example. 30 A 10.0.0.1")
	s := start(t, Question{Name: "t.example", Port: 8009}, dead.addr, z.addr)
	s.want(30*time.Second, true, "10.0.0.1:8009", "")
}

func TestResolversOfThisHost(t *testing.T) {
	f := func(text, want, problem string) {
		t.Helper()
		name := filepath.Join(t.TempDir(), "resolv.conf")
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		a := asker{conf: name}
		servers, complete, err := a.resolvers()
		if problem != "" {
			if err == nil || !strings.Contains(err.Error(), problem) {
				t.Errorf("got %v, want %q", err, problem)
			}
			return
		}
		if err != nil || fmt.Sprint(servers) != want {
			t.Fatalf("got %v, %v", servers, err)
		}
		if names := complete("t"); names[0] != "t.corp.example." {
			t.Errorf("t is completed to %v", names)
		}
	}
	f("search corp.example\nnameserver 127.0.0.1\nnameserver ::1\n", "[127.0.0.1:53 [::1]:53]", "")
	f("search corp.example\n", "", "names no resolver")
	a := asker{conf: filepath.Join(t.TempDir(), "missing")}
	if _, _, err := a.resolvers(); err == nil || !strings.Contains(err.Error(), "resolvers cannot be read") {
		t.Errorf("got %v", err)
	}
}

func TestAnEndedContextEndsTheQuestion(t *testing.T) {
	p, err := net.ListenPacket("udp", "127.0.0.1:0") // asks are taken and never answered
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx, cancel := context.WithCancel(t.Context())
	d := NewDNS([]Question{{Name: "t.example", Port: 8009}}, p.LocalAddr().String())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.Run(ctx, func() { t.Error("news of nothing") })
	}()
	if _, _, err := p.ReadFrom(make([]byte, 512)); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-ended
	if _, status := d.Get(); status[0].Problem != "" || !status[0].Good.IsZero() {
		t.Errorf("status %+v", status[0])
	}
}

// What a resolver sends is foreign: whatever it is, nothing panics and nothing
// is found that is not an address.
func FuzzAnswer(f *testing.F) {
	m := new(dns.Msg)
	m.SetQuestion("t.example.", dns.TypeA)
	for _, text := range []string{"t.example. 30 A 10.0.0.1", "t.example. 30 AAAA fd00::1", "t.example. 30 SRV 1 1 8009 a.example."} {
		r, err := dns.NewRR(text)
		if err != nil {
			f.Fatal(err)
		}
		m.Answer = append(m.Answer, r)
	}
	packed, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add(packed[:len(packed)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		m := new(dns.Msg)
		if m.Unpack(data) != nil {
			return
		}
		for _, a := range addresses(m.Answer, 8009) {
			if !a.IsValid() {
				t.Errorf("%v", a)
			}
		}
		if age := ttl(m.Answer); age < 0 || age > maxAge {
			t.Errorf("age %v", age)
		}
	})
}
