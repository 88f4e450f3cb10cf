package main

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/tribes"
)

func addrs(list ...string) (out []netip.AddrPort) {
	for _, a := range list {
		out = append(out, netip.MustParseAddrPort(a))
	}
	return out
}

func nodes(receivers ...string) (out []tribes.Node) {
	for _, a := range addrs(receivers...) {
		out = append(out, tribes.Node{Receiver: a, Source: netip.AddrPortFrom(a.Addr(), 45564)})
	}
	return out
}

// owned are receivers whose process listens at all of these.
func owned(s *sight, receiver string, listens ...string) {
	if s.owners == nil {
		s.owners = map[netip.AddrPort][]netip.AddrPort{}
	}
	s.owners[netip.MustParseAddrPort(receiver)] = addrs(listens...)
}

func javaProcess(base, route string, shutdown uint16, listens ...string) instance {
	return instance{discover.Process{PID: 7, Base: base, Listens: addrs(listens...)}, serverFile{route: route, shutdown: shutdown}}
}

func TestCandidates(t *testing.T) {
	f := func(s *sight, want ...string) {
		t.Helper()
		got := s.candidates()
		if !slices.Equal(got, addrs(want...)) {
			t.Errorf("asks %v, want %v", got, want)
		}
	}
	heard := func(receivers ...string) *sight {
		return &sight{groups: []groupSight{{name: defaultGroup, nodes: nodes(receivers...)}}}
	}
	f(&sight{})
	// A node of another host: where examples and Tomcat itself put connectors.
	f(heard("10.0.0.5:4000"), "10.0.0.5:8009", "10.0.0.5:8080", "10.0.0.5:9009", "10.0.0.5:9080")
	// A receiver is never asked, not even where a connector could be.
	f(heard("10.0.0.5:4000", "10.0.0.5:8009"), "10.0.0.5:8080", "10.0.0.5:9009", "10.0.0.5:9080", "10.0.0.5:12018", "10.0.0.5:12089")
	// A port that is none is left out.
	f(heard("10.0.0.5:65000"), "10.0.0.5:8009", "10.0.0.5:9009", "10.0.0.5:8080", "10.0.0.5:9080")
	// Where the process is known, its own ports and no others; not the one that
	// a shutdown command is waited for at.
	s := heard("127.0.0.1:4000")
	owned(s, "127.0.0.1:4000", "127.0.0.1:4000", "127.0.0.1:8005", "[::]:8080", "127.0.0.1:8009")
	s.here = []instance{javaProcess("/opt/t1", "tomcat1", 8005, "127.0.0.1:4000", "127.0.0.1:8005", "[::]:8080", "127.0.0.1:8009")}
	f(s, "127.0.0.1:8009", "127.0.0.1:8080")
	// One that is not heard, and a beacon.
	f(&sight{here: []instance{javaProcess("/opt/t1", "", 8005, "0.0.0.0:8009", "127.0.0.1:8005")},
		beacons: []tribes.BeaconNode{{Addr: netip.MustParseAddrPort("10.0.0.9:8010")}}}, "10.0.0.9:8010", "127.0.0.1:8009")
	// A flood asks for no more than is allowed.
	flood := &sight{}
	for i := range 1000 {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 4000)
		flood.groups = append(flood.groups, groupSight{nodes: []tribes.Node{{Receiver: at}}})
	}
	if n := len(flood.candidates()); n != maxCandidates {
		t.Errorf("a flood has %d connectors asked", n)
	}
}

func TestArrange(t *testing.T) {
	f := func(s *sight, answers map[string]discover.Answer, want ...string) {
		t.Helper()
		s.answers = map[netip.AddrPort]discover.Answer{}
		for a, got := range answers {
			s.answers[netip.MustParseAddrPort(a)] = got
		}
		var got []string
		for _, m := range s.arrange() {
			line := m.url.String()
			if !m.http.IsZero() {
				line += " " + m.http.String()
			}
			if m.receiver.IsValid() {
				line += " is " + m.receiver.String()
			}
			got = append(got, strings.TrimSpace(line+" "+m.route))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v\ngot  %q\nwant %q", answers, got, want)
		}
	}
	type answers = map[string]discover.Answer
	heard := func(receivers ...string) *sight {
		return &sight{groups: []groupSight{{name: defaultGroup, nodes: nodes(receivers...)}}}
	}
	f(&sight{}, nil)
	f(heard("10.0.0.5:4000"), answers{"10.0.0.5:8009": discover.Refused})
	// Two on one host, told apart by the distance.
	f(heard("10.0.0.5:4000", "10.0.0.5:5000"), answers{"10.0.0.5:8009": discover.AJP, "10.0.0.5:9009": discover.AJP},
		"ajp://10.0.0.5:8009 is 10.0.0.5:4000", "ajp://10.0.0.5:9009 is 10.0.0.5:5000")
	// The only one has the only connector; two of them do not.
	f(heard("10.0.0.5:4123"), answers{"10.0.0.5:8009": discover.AJP, "10.0.0.5:8080": discover.HTTP},
		"ajp://10.0.0.5:8009 http://10.0.0.5:8080 is 10.0.0.5:4123")
	f(heard("10.0.0.5:4123"), answers{"10.0.0.5:8080": discover.HTTP}, "http://10.0.0.5:8080 is 10.0.0.5:4123")
	f(heard("10.0.0.5:4123", "10.0.0.5:4124"), answers{"10.0.0.5:8009": discover.AJP}, "ajp://10.0.0.5:8009")
	f(heard("10.0.0.5:4123"), answers{"10.0.0.5:8009": discover.AJP, "10.0.0.5:9009": discover.AJP},
		"ajp://10.0.0.5:8009", "ajp://10.0.0.5:9009")
	// A process of this host knows its own, and its route.
	s := heard("127.0.0.1:4000", "127.0.0.1:4001")
	owned(s, "127.0.0.1:4000", "127.0.0.1:4000", "127.0.0.1:9009", "[::]:9080")
	owned(s, "127.0.0.1:4001", "127.0.0.1:4001", "127.0.0.1:8009")
	s.here = []instance{javaProcess("/opt/t2", "tomcat2", 0, "127.0.0.1:4000", "127.0.0.1:9009", "[::]:9080")}
	f(s, answers{"127.0.0.1:8009": discover.AJP, "127.0.0.1:9009": discover.AJP, "127.0.0.1:9080": discover.HTTP},
		"ajp://127.0.0.1:8009 is 127.0.0.1:4001", "ajp://127.0.0.1:9009 http://127.0.0.1:9080 is 127.0.0.1:4000 tomcat2")
	// Not heard, and found all the same.
	f(&sight{here: []instance{javaProcess("/opt/t1", "tomcat1", 0, "[::]:8009", "[::]:8080")}},
		answers{"127.0.0.1:8009": discover.AJP, "127.0.0.1:8080": discover.HTTP}, "ajp://127.0.0.1:8009 http://127.0.0.1:8080 tomcat1")
	f(&sight{beacons: []tribes.BeaconNode{{Addr: netip.MustParseAddrPort("10.0.0.9:8010")}}},
		answers{"10.0.0.9:8010": discover.HTTP}, "http://10.0.0.9:8010")
}

// Whatever was found, the file passes the check, and what strangers say stays
// in comments.
func TestConfigurationIsValid(t *testing.T) {
	evil := nodes("10.0.0.5:4000")
	evil[0].Domain = "x\nadmin: {listen: 0.0.0.0:1}"
	s := &sight{
		iface: "eth0", period: 5 * time.Second, beacon: netip.MustParseAddrPort(tribes.DefaultBeacon), more: 3,
		groups: []groupSight{
			{name: defaultGroup, facts: tribes.Facts{Interface: "eth0"}, nodes: evil},
			{name: "228.0.0.5:45564", facts: tribes.Facts{Problem: "nobody"}},
			{name: "[ff15::4]:45564", nodes: nodes("[2001:db8::7]:4000")},
		},
		beacons: []tribes.BeaconNode{{Addr: netip.MustParseAddrPort("10.0.0.9:8010")}},
		here:    []instance{javaProcess("/opt/a\nlisten: 1", "null", 0, "0.0.0.0:8080")},
		answers: map[netip.AddrPort]discover.Answer{netip.MustParseAddrPort("10.0.0.5:8009"): discover.AJP},
	}
	address := func(scheme, at string) config.Address { return addressAt(scheme, netip.MustParseAddrPort(at)) }
	members := []found{
		{url: address("ajp", "10.0.0.5:8009"), http: address("http", "10.0.0.5:8080"), receiver: netip.MustParseAddrPort("10.0.0.5:4000"), route: "tomcat1"},
		{url: address("ajp", "[2001:db8::7]:8009"), route: "tomcat1"},
		{url: address("http", "127.0.0.1:8888"), route: "null"},
	}
	text := s.configuration(members)
	c, problems := config.Load("found.yaml", []byte(text), nil, config.Options{})
	if c == nil || problems.HasWarnings() {
		t.Fatalf("%s\n%v", text, problems)
	}
	p := &c.Pools[0]
	var got []string
	for _, m := range p.Members {
		got = append(got, m.Name+" "+m.URL.String()+" "+m.Route)
	}
	want := []string{"tomcat1 ajp://10.0.0.5:8009 tomcat1", "2001-db8--7-8009 ajp://[2001:db8::7]:8009 ", "127.0.0.1-8888 http://127.0.0.1:8888 null"}
	if !slices.Equal(got, want) {
		t.Errorf("members %q, want %q", got, want)
	}
	if c.Admin.Listen != "127.0.0.1:8404" || c.Listen[0].Address != ":8000" {
		t.Errorf("admin %s, listen %s", c.Admin.Listen, c.Listen[0].Address)
	}
	if len(c.Tribes) != 2 || c.Tribes[0].Beacon != tribes.DefaultBeacon || c.Tribes[0].Interface != "eth0" || c.Tribes[1].Beacon != "" {
		t.Errorf("tribes %+v", c.Tribes)
	}
	if strings.Contains(text, "port_offset") {
		t.Errorf("a distance that not all have:\n%s", text)
	}
	// Without a group there is no word about one.
	alone := (&sight{}).configuration(members[2:])
	if c, problems := config.Load("found.yaml", []byte(alone), nil, config.Options{}); c == nil || len(c.Tribes) > 0 || strings.Contains(alone, "secret") {
		t.Errorf("%s\n%v", alone, problems)
	}
}

// Ctrl-C ends the listening at once.
func TestDiscoverIsInterrupted(t *testing.T) {
	group, err := ownGroup()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, talk buffer
	e := &env{stdout: &out, stderr: &talk, getenv: func(string) string { return "" }}
	args := []string{"discover", "--for", "1h", "--group", group, "--interface", "lo", "--only-heard"}
	if code := execute(ctx, e, args); code != exitFailed || !strings.Contains(talk.String(), "interrupted") || out.String() != "" {
		t.Errorf("exit code %d, %q %q", code, out.String(), talk.String())
	}
}

func TestParseServer(t *testing.T) {
	f := func(text string, want serverFile) {
		t.Helper()
		if got := parseServer(strings.NewReader(text)); got != want {
			t.Errorf("%s\ngot  %+v\nwant %+v", text, got, want)
		}
	}
	const server = `<?xml version="1.0" encoding="ISO-8859-1"?>
<Server port="8005" shutdown="SHUTDOWN"><!-- <Engine jvmRoute="old"> -->
<Service name="Catalina"><Connector port="8009" protocol="AJP/1.3"/>
<Engine name="Catalina" jvmRoute="tomcat1"><Cluster><Channel>
<Membership address="228.0.0.5" port="45565"/><Receiver address="auto" port="4000"/>
</Channel></Cluster><Host/></Engine></Service></Server>`
	all := serverFile{route: "tomcat1", shutdown: 8005, receiver: 4000, group: "228.0.0.5:45565"}
	f(server, all)
	f(strings.ReplaceAll(server, "8005", "-1"), serverFile{"tomcat1", 0, 4000, "228.0.0.5:45565"})
	f(strings.NewReplacer("8005", "${p}", "tomcat1", "${r}", "45565", "${m}", "4000", "${q}").Replace(server), serverFile{})
	f(strings.ReplaceAll(server, "228.0.0.5", "10.0.0.5"), serverFile{"tomcat1", 8005, 4000, ""})
	f("", serverFile{})
	f("no xml", serverFile{})
	for i := range server { // what was read holds, and is never something else
		got := parseServer(strings.NewReader(server[:i]))
		if got.route != "" && got.route != all.route || got.shutdown != 0 && got.shutdown != all.shutdown ||
			got.receiver != 0 && got.receiver != all.receiver || got.group != "" && got.group != all.group {
			t.Errorf("%q: %+v", server[:i], got)
		}
	}
}

func FuzzParseServer(f *testing.F) {
	f.Add(`<Server port="8005"><Engine jvmRoute="a"/><Membership address="228.0.0.4" port="45564"/></Server>`)
	f.Add(`<Server port="99999999"><Engine jvmRoute="${x}"`)
	f.Fuzz(func(t *testing.T, text string) {
		got := parseServer(strings.NewReader(text))
		if len(got.route) > 64 || strings.Contains(got.route, "${") {
			t.Errorf("route %q", got.route)
		}
		if _, err := multicast(got.group); got.group != "" && err != nil {
			t.Error(err)
		}
	})
}
