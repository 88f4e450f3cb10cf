package cluster

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/tribes"
	"github.com/catherd/catherd/dataplane/table"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// paper is a prober that knows who speaks what.
type paper map[string]table.Scheme

func (p paper) Probe(_ context.Context, t health.Target) health.Sample {
	speaks, known := p[t.To.Addr]
	switch {
	case !known:
		return health.Sample{Fail: health.Refused}
	case speaks == t.To.Scheme:
		return health.Sample{OK: true}
	}
	return health.Sample{Fail: health.Odd}
}

// ears are Ears with news on a channel that never blocks them.
func ears(t *testing.T, p health.Prober) (e *Ears, news <-chan struct{}, told *atomic.Int64) {
	t.Helper()
	c := make(chan struct{}, 1)
	told = new(atomic.Int64)
	e = New(Options{Prober: p, Tell: func(tribes.Event) { told.Add(1) }, Notify: func() {
		select {
		case c <- struct{}{}:
		default:
		}
	}})
	t.Cleanup(e.Close)
	return e, c, told
}

// until waits for news that make f true.
func until(t *testing.T, news <-chan struct{}, what string, f func() bool) {
	t.Helper()
	over := time.After(15 * time.Second)
	for !f() {
		select {
		case <-news:
		case <-over:
			t.Fatalf("waited for %s", what)
		}
	}
}

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, problems := config.Load("catherd.yaml", []byte(text), nil, config.Options{})
	if c == nil {
		t.Fatal(problems)
	}
	return c
}

// freeGroup is a multicast group whose port nobody else uses.
func freeGroup(t *testing.T) string {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return fmt.Sprintf("239.9.8.7:%d", c.LocalAddr().(*net.UDPAddr).Port)
}

// send sends one datagram to a group over loopback.
func send(t *testing.T, group string, b []byte) {
	t.Helper()
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(group)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	lo := &unix.IPMreqn{Address: [4]byte{127, 0, 0, 1}}
	var serr error
	if err := raw.Control(func(fd uintptr) { serr = unix.SetsockoptIPMreqn(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_IF, lo) }); err != nil || serr != nil {
		t.Fatal(err, serr)
	}
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

func heartbeat(port int32) []byte {
	m := tribes.Member{Host: netip.MustParseAddr("127.0.0.1"), Port: port, SecurePort: -1, UDPPort: -1, Alive: 1000}
	binary.BigEndian.PutUint32(m.ID[:], uint32(port))
	return m.Append(nil)
}

// What is said in a group arrives as input of discovery, and a group that a
// reload leaves alone keeps what was heard in it.
func TestEarsHear(t *testing.T) {
	one, two := freeGroup(t), freeGroup(t)
	e, news, told := ears(t, paper{})
	const rest = "\npools: {app: {members: {a: ajp://127.0.0.1:8009}}}\n"
	joined := func() bool {
		for _, g := range e.Groups() {
			if !g.Facts.Joined {
				return false
			}
		}
		return len(e.Groups()) > 0
	}
	e.Set(parse(t, "tribes: {group: \""+one+"\", interface: lo}"+rest))
	until(t, news, "the group", joined)
	send(t, one, heartbeat(4000))
	until(t, news, "the node", func() bool { return len(e.Inputs(time.Now()).Heard) == 1 && told.Load() > 0 })
	h := e.Inputs(time.Now()).Heard[0]
	if h.Receiver.String() != "127.0.0.1:4000" || h.Group != one || h.State != discover.Alive || !h.Stray {
		t.Errorf("heard %+v, %d events", h, told.Load())
	}
	// Who is vouched for is no stray any more.
	e.Keep(one, h.Receiver, true)
	if h := e.Inputs(time.Now()).Heard[0]; h.Stray {
		t.Errorf("heard %+v", h)
	}
	e.Set(parse(t, "tribes:\n  - {group: \""+one+"\", interface: lo}\n  - {group: \""+two+"\", interface: lo}"+rest))
	until(t, news, "the second group", joined)
	if groups := e.Groups(); len(groups) != 2 || len(groups[0].Nodes) != 1 || groups[1].Group != two {
		t.Errorf("groups %+v", groups)
	}
	e.Set(parse(t, strings.TrimSpace(rest)))
	if in := e.Inputs(time.Now()); len(e.Groups()) != 0 || len(in.Heard) != 0 {
		t.Errorf("a group that is named no more: %+v", in.Heard)
	}
}

// Only what the socket needs opens a group anew: what was heard outlives a change
// of everything else, and the change counts.
func TestEarsChangeInPlace(t *testing.T) {
	at := freeGroup(t)
	e, news, _ := ears(t, paper{})
	set := func(text string) {
		t.Helper()
		e.Set(parse(t, "tribes: {group: \""+at+"\", "+text+"}\npools: {app: {members: {a: ajp://127.0.0.1:8009}}}\n"))
	}
	set("interface: lo")
	until(t, news, "the group", func() bool { return e.Groups()[0].Facts.Joined })
	send(t, at, heartbeat(4000))
	until(t, news, "the node", func() bool { return len(e.Groups()[0].Nodes) == 1 })
	since := e.Groups()[0].Facts.Since
	f := func(text string, nodes, others int, dropAfter time.Duration, beacons bool) {
		t.Helper()
		set("interface: lo" + text)
		g := e.Groups()[0]
		if len(g.Nodes) != nodes || len(g.Others) != others || g.DropAfter != dropAfter || g.Facts.Since != since {
			t.Errorf("%q: %d nodes, %d others, %s, since %s", text, len(g.Nodes), len(g.Others), g.DropAfter, g.Facts.Since)
		}
		if _, takes := e.Beacons("/b"); takes != beacons {
			t.Errorf("%q: takes beacons %t", text, takes)
		}
	}
	f(", drop_after: 40s", 1, 0, 40*time.Second, false)
	f(", drop_after: 40s, domain: blue, role: replica", 0, 1, 40*time.Second, false)
	f(", lost_means: drain, beacon_path: /b", 1, 0, 3*time.Second, true)
	f(", beacon: \""+freeGroup(t)+"\", beacon_path: /b", 1, 0, 3*time.Second, true)
	f(", heartbeat: 100ms", 1, 0, 3*time.Second, false)
	set("interface: 127.0.0.1")
	if g := e.Groups()[0]; len(g.Nodes) != 0 {
		t.Errorf("another interface has heard %d nodes", len(g.Nodes))
	}
}

// Beacons come by POST to the path of the file, and to no other.
func TestEarsTakeBeacons(t *testing.T) {
	e, _, _ := ears(t, paper{})
	e.Set(parse(t, "tribes: {group: \""+freeGroup(t)+"\", interface: lo, beacon_path: /HeartbeatListener}\npools: {app: {members: {a: ajp://127.0.0.1:8009}}}\n"))
	for _, path := range []string{"", "/", "/other"} {
		if _, is := e.Beacons(path); is {
			t.Errorf("%q takes beacons", path)
		}
	}
	h, is := e.Beacons("/HeartbeatListener")
	if !is {
		t.Fatal("the path of the file takes no beacons")
	}
	r := httptest.NewRequest(http.MethodPost, "/HeartbeatListener", strings.NewReader("v=1&ready=180&busy=20&port=8009"))
	r.RemoteAddr = "10.0.0.5:40000"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	in := e.Inputs(time.Now())
	if w.Code != http.StatusOK || len(in.Beacons) != 1 || in.Beacons[0].Host.String() != "10.0.0.5" || in.Beacons[0].Port != 8009 || in.Beacons[0].Busy != 20 {
		t.Errorf("status %d, beacons %+v", w.Code, in.Beacons)
	}
}

// A file of members is read and followed.
func TestEarsReadFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "members.yaml")
	if err := os.WriteFile(name, []byte("backends: [ajp://10.0.0.5:8009]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	e, news, _ := ears(t, paper{})
	text := "pools: {app: {discover: {file: \"" + name + "\"}}}\n"
	e.Set(parse(t, text))
	members := func() []config.Member { return e.Inputs(time.Now()).Files[0].Members }
	until(t, news, "the file", func() bool { return len(members()) == 1 })
	if s := e.Sources(); len(s) != 1 || s[0].Pool != "app" || s[0].Problem != "" || s[0].Good.IsZero() {
		t.Errorf("sources %+v", s)
	}
	e.Set(parse(t, text+"log: warn\n"))
	if len(members()) != 1 {
		t.Error("a reload that leaves the file alone forgets it")
	}
	e.Set(parse(t, "pools: {app: {members: {a: ajp://127.0.0.1:8009}}}\n"))
	if len(e.Sources()) != 0 || len(e.Inputs(time.Now()).Files) != 0 {
		t.Error("a file that is named no more is kept")
	}
}

// Connectors are asked as long as they are wanted, each in its protocol.
func TestEarsAsk(t *testing.T) {
	e, news, _ := ears(t, paper{"10.0.0.1:8009": table.AJP, "10.0.0.2:8080": table.HTTP})
	c := parse(t, "pools: {app: {members: {a: ajp://127.0.0.1:8009}}}\n")
	at := netip.MustParseAddrPort
	e.Ask(c, []discover.Candidate{
		{Addr: at("10.0.0.1:8009"), Want: discover.AJP, Pool: "app"},
		{Addr: at("10.0.0.2:8080"), Want: discover.Unknown, Pool: "app"},
		{Addr: at("10.0.0.3:8009"), Want: discover.AJP},
	})
	want := map[string]discover.Answer{"10.0.0.1:8009": discover.AJP, "10.0.0.2:8080": discover.HTTP, "10.0.0.3:8009": discover.Refused}
	until(t, news, "all answers", func() bool { return len(e.Inputs(time.Now()).Answers) == len(want) })
	for addr, answer := range want {
		if got := e.Inputs(time.Now()).Answers[at(addr)]; got != answer {
			t.Errorf("%s %s, want %s", addr, got, answer)
		}
	}
	e.Ask(c, nil)
	if got := e.Inputs(time.Now()).Answers; len(got) != 0 {
		t.Errorf("answers of nobody: %v", got)
	}
}
