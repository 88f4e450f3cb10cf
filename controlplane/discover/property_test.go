package discover

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/config"
)

// configs are what the random worlds are resolved with.
var configs = []string{
	`tribes: "228.0.0.4:45564", pools: {app: {discover: {ajp_port_offset: 4009}}}`,
	`tribes: "228.0.0.4:45564", pools: {app: {discover: {ajp_port: 8009, http_port: 8080}}}`,
	`tribes: "228.0.0.4:45564", pools: {app: {discover: {ajp_ports: [8009, 9009], http_ports: [8080]}}}`,
	`tribes: {group: "228.0.0.4:45564", beacon: "224.0.1.105:23364"}, pools: {app: {discover: {}}}`,
	`tribes: {group: "228.0.0.4:45564", beacon: "224.0.1.105:23364"}, pools: {app: {discover: {ajp_ports: [8009, 9009], domain: blue}, members: {tomcat1: {url: "ajp://10.0.0.1:8009", receiver: "127.0.0.1:4000"}}}, shop: {discover: {ajp_port_offset: 4009, dns: "ajp://tomcats.example:8009"}, members: {tomcat9: "ajp://127.0.0.1:8009"}}}, routes: [{path: /, pool: app}, {path: /shop/, pool: shop}]`,
	`tribes: "228.0.0.4:45564", backends: ["ajp://10.0.0.1:8009", "ajp://127.0.0.1:9009"]`,
}

// world makes random inputs of a small world, so that things collide.
func world(r *rand.Rand) Inputs {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	host := func() string { return pick("10.0.0.1", "10.0.0.2", "127.0.0.1") }
	in := Inputs{Now: noon, Answers: map[netip.AddrPort]Answer{}, Owners: map[netip.AddrPort][]netip.AddrPort{}, Serving: map[Key]bool{}}
	for range r.IntN(6) {
		at := netip.MustParseAddrPort(host() + ":" + pick("4000", "5000", "6000"))
		h := Heard{
			Receiver: at, Source: at.Addr(), Group: group, Domain: pick("", "blue", "green"),
			LastHeard: noon.Add(-time.Duration(r.IntN(90)) * time.Minute), State: State(r.IntN(3)), Stray: r.IntN(5) == 0,
		}
		if r.IntN(4) == 0 {
			h.Advertised = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), at.Port())
		}
		in.Heard = append(in.Heard, h)
		if at.Addr().IsLoopback() && r.IntN(2) == 0 {
			in.Owners[at] = addrs([]string{at.String(), "127.0.0.1:" + pick("8009", "9009"), "[::]:" + pick("8080", "9080")})
		}
	}
	for _, h := range []string{"10.0.0.1", "10.0.0.2", "127.0.0.1"} {
		for _, port := range []string{"8009", "9009", "10009", "8080"} {
			in.Answers[netip.MustParseAddrPort(h+":"+port)] = Answer(r.IntN(6))
		}
	}
	for range r.IntN(3) {
		at := netip.MustParseAddrPort(host() + ":" + pick("8009", "9009"))
		in.Beacons = append(in.Beacons, Beacon{at.Addr(), at.Port(), 10, 1, noon.Add(-time.Duration(r.IntN(100)) * time.Second)})
	}
	if r.IntN(2) == 0 {
		in.Names = []Named{{"shop", "tomcats.example", "ajp", addrs([]string{host() + ":8009"})}}
	}
	return in
}

func TestInvariants(t *testing.T) {
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 7))
		c, ps := config.Load("x", []byte("{"+configs[seed%uint64(len(configs))]+"}"), nil, config.Options{})
		if c == nil {
			t.Fatal(ps)
		}
		in := world(r)
		first := Resolve(c, in)
		check(t, seed, c, in, first)

		in.Prev = first.Found
		again := Resolve(c, in)
		if !slices.Equal(first.Found, again.Found) || !slices.Equal(first.Matches, again.Matches) {
			t.Errorf("seed %d: fed back, it differs:\n%s---\n%s", seed, print(c, first), print(c, again))
		}
		// Everybody falls silent, as when multicast is blocked: nobody goes.
		silent := in
		silent.Heard = slices.Clone(in.Heard)
		for i := range silent.Heard {
			if silent.Heard[i].State == Alive {
				silent.Heard[i].State = Silent
			}
		}
		if quiet := Resolve(c, silent); !slices.Equal(quiet.Found, first.Found) {
			t.Errorf("seed %d: silence changes members:\n%s---\n%s", seed, print(c, first), print(c, quiet))
		}
		// Nobody is known any more, but all answer: they stay, except those that
		// names or beacons alone speak for.
		for _, f := range first.Found {
			in.Serving[Key{f.Pool, f.Name}] = true
		}
		in.Heard, in.Owners = nil, nil
		left := Resolve(c, in)
		for _, f := range first.Found {
			if f.By == ByName || f.By == ByBeacon {
				continue
			}
			if left.Config.Pool(f.Pool).Member(f.Name) == nil {
				t.Errorf("seed %d: %s is gone though it answers:\n%s---\n%s", seed, f.Name, print(c, first), print(c, left))
			}
		}
		if t.Failed() {
			return
		}
	}
}

// check holds one result against what must always hold.
func check(t *testing.T, seed uint64, c *config.Config, in Inputs, res Result) {
	t.Helper()
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("seed %d: %s\n%s", seed, fmt.Sprintf(format, args...), print(c, res))
	}
	for _, f := range res.Found {
		at, ok := urlOf(f.URL)
		if !ok || in.Answers[at].scheme() != f.URL.Scheme {
			fail("%s is a member and answered %v", f.Name, in.Answers[at])
		}
		if i := slices.IndexFunc(in.Heard, func(h Heard) bool { return f.Receiver.IsValid() && h.Receiver == f.Receiver }); i >= 0 && in.Heard[i].Stray {
			if !slices.ContainsFunc(in.Heard, func(h Heard) bool { return h.Receiver == f.Receiver && !h.Stray }) {
				fail("%s comes from one datagram", f.Name)
			}
		}
	}
	sure := map[Key]netip.AddrPort{}
	for _, m := range res.Matches {
		k := Key{m.Pool, m.Member}
		_, owned := in.Owners[m.Receiver]
		if other, twice := sure[k]; twice && m.Sure && other != m.Receiver && !owned {
			fail("%s is surely %s and %s", m.Member, other, m.Receiver)
		}
		if m.Sure {
			sure[k] = m.Receiver
		}
		if res.Config.Pool(m.Pool).Member(m.Member) == nil {
			fail("match with %s, which is no member", m.Member)
		}
	}
	for i := range res.Config.Pools {
		p := &res.Config.Pools[i]
		names, urls := map[string]bool{}, map[config.Address]bool{}
		for _, m := range p.Members {
			if names[m.Name] || urls[m.URL] {
				fail("member %s is there twice", m.Name)
			}
			names[m.Name], urls[m.URL] = true, true
		}
	}
	for _, h := range in.Heard {
		matched := slices.ContainsFunc(res.Matches, func(m Match) bool { return m.Receiver == h.Receiver })
		shown := slices.ContainsFunc(append(slices.Clone(res.Waiting), res.Nobody...), func(u Unrouted) bool { return u.Receiver == h.Receiver && u.Why != "" })
		if !matched && !shown {
			fail("%s is neither matched nor shown", h.Receiver)
		}
	}
	for _, u := range res.Nobody {
		if ms, ps := config.LoadMembers("paste", []byte("members:\n  "+u.Line+"\n"), nil); len(ms) != 1 || ms[0].Route != "" {
			fail("line %q cannot be pasted: %v", u.Line, ps)
		}
	}
}

func TestBounds(t *testing.T) {
	c, ps := config.Load("x", []byte("{"+configs[1]+"}"), nil, config.Options{})
	if c == nil {
		t.Fatal(ps)
	}
	in := Inputs{Now: noon, Answers: map[netip.AddrPort]Answer{}}
	for i := range 3000 {
		a := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
		in.Heard = append(in.Heard, Heard{Receiver: netip.AddrPortFrom(a, 4000), Source: a, Group: group, LastHeard: noon})
		if i%2 == 0 {
			in.Answers[netip.AddrPortFrom(a, 8009)] = AJP
		}
	}
	res := Resolve(c, in)
	if len(res.Found) != maxFound || len(res.Candidates) != maxAsked || len(res.Findings) == 0 {
		t.Errorf("%d found, %d asked, findings %v", len(res.Found), len(res.Candidates), res.Findings)
	}
	if len(res.Config.Pools[0].Members) != maxFound || len(c.Pools[0].Members) != 0 {
		t.Errorf("%d members, %d in the file's own", len(res.Config.Pools[0].Members), len(c.Pools[0].Members))
	}
}
