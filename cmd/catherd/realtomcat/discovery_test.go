package realtomcat

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/tribes"
)

// The two ways to say where the connectors are.
func byOffset([]*catalina.Tomcat) string { return fmt.Sprintf("{ajp_port_offset: %d}", herdOffset) }

func byTrying(tomcats []*catalina.Tomcat) string {
	var ports []string
	for _, t := range tomcats {
		ports = append(ports, fmt.Sprint(t.AJP))
	}
	return "{ajp_ports: [" + strings.Join(ports, ", ") + "]}"
}

// memberless is a configuration that names a group and no member.
func memberless(h *herd, address, on, discover string) string {
	return fmt.Sprintf(`listen: %s:LISTEN
tribes:
  group: %s
  interface: %s
pools:
  app:
    discover: %s
`, address, h.where(), on, discover)
}

// TestDiscovery: Catherd knows a group and no member. Whatever Tomcat starts is served
// from within a second after it could have been; one that stops and comes back is
// followed, and nobody notices.
func TestDiscovery(t *testing.T) {
	sizes := map[string][]int{"7.0.109": {1, 3, 5}, "10.1.34": {1, 3, 5}}
	for _, version := range catalina.Versions {
		t.Run(version, func(t *testing.T) {
			steps, full := sizes[version]
			if !full {
				steps = []int{1}
			}
			discovery(t, version, steps, full)
		})
	}
}

func discovery(t *testing.T, version string, steps []int, full bool) {
	versions := make([]string, steps[len(steps)-1])
	for i := range versions {
		versions[i] = version
	}
	h := newHerd(t, "127.0.0.1", herdBase(t, len(versions)), "t", versions...)
	e := hark(t, h)
	bs := []*balancer{balance(t, memberless(h, "127.0.0.1", "lo", byOffset(h.tomcats)))}
	if full {
		bs = append(bs, balance(t, memberless(h, "127.0.0.1", "lo", byTrying(h.tomcats))))
	}
	n := 0
	for _, size := range steps {
		births(t, fmt.Sprintf("%d started, %d in all", size-n, size), h.tomcats[n:size], bs)
		n = size
	}
	for _, b := range bs {
		if got := len(b.status().Pools[0].Members); got != n {
			t.Errorf("%d members for %d Tomcats; log:\n%s", got, n, b.text())
		}
	}
	if full {
		plannedStop(t, h.tomcats[n-1], bs)
	}
	e.onlyTomcats(t)
	for _, b := range bs {
		b.stop()
	}
}

// plannedStop stops and restarts a Tomcat under the eyes of a crowd.
func plannedStop(t *testing.T, tomcat *catalina.Tomcat, bs []*balancer) {
	var crowds []*crowd
	for _, b := range bs {
		b.has(tomcat, "is ready", func(m *admin.MemberStatus) bool { return m.State == compile.Ready })
		crowds = append(crowds, b.come(20, 20*time.Millisecond, "/app/counter"))
	}
	if err := tomcat.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, b := range bs {
		b.has(tomcat, "serves no more", func(m *admin.MemberStatus) bool {
			return m.State == compile.Leaving || m.State == compile.Down
		})
		// One that is quick is down before it was said that it leaves.
		if !slices.ContainsFunc(b.takenOut(), func(line string) bool {
			return hasAll(line, []string{fmt.Sprint(tomcat.AJP), "said that it stops"})
		}) {
			t.Errorf("the log does not say that %s has said that it stops:\n%s", tomcat.AJPAddr(), b.text())
		}
	}
	births(t, "restarted after a planned stop", []*catalina.Tomcat{tomcat}, bs)
	for i, b := range bs {
		b.has(tomcat, "is ready again", func(m *admin.MemberStatus) bool { return m.State == compile.Ready })
		crowds[i].leave(t, "a planned stop and a restart")
	}
}

// soon is how long after its first pong a Tomcat may stay without requests.
const soon = time.Second

// births starts Tomcats and measures how long after its first pong each is served, by
// each balancer. A starting Tomcat is asked by a connection that waits for the pong, and
// the balancers by one request after the other.
func births(t *testing.T, what string, tomcats []*catalina.Tomcat, bs []*balancer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	pongs := make([]time.Time, len(tomcats))
	served := make([]map[string]time.Time, len(bs))
	var all sync.WaitGroup
	for i, tomcat := range tomcats {
		all.Go(func() { pongs[i] = firstPong(ctx, tomcat) })
	}
	for i, b := range bs {
		all.Go(func() { served[i] = b.firstServed(ctx, tomcats) })
	}
	if err := catalina.StartAll(ctx, tomcats...); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	for i, tomcat := range tomcats {
		for k, b := range bs {
			at, ok := served[k][tomcat.Name]
			if !ok || pongs[i].IsZero() {
				t.Fatalf("%s: %s is not served; catherd's log:\n%s", what, tomcat.Name, b.text())
			}
			took := at.Sub(pongs[i]).Round(time.Millisecond)
			t.Logf("%s: %s, balancer %d: served %v after its first pong", what, tomcat.Name, k+1, took)
			if took > soon {
				t.Errorf("%s: %s, balancer %d: served %v after its first pong, want %v at most; catherd's log:\n%s", what, tomcat.Name, k+1, took, soon, b.text())
			}
		}
	}
}

// firstPong is when a starting Tomcat answers its first ping, zero when never.
func firstPong(ctx context.Context, tomcat *catalina.Tomcat) time.Time {
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for catalina.Ping(ctx, tomcat.AJPAddr()) != nil {
		select {
		case <-ctx.Done():
			return time.Time{}
		case <-again.C:
		}
	}
	return time.Now()
}

// firstServed is when each Tomcat first answered a request with 200. The page is a plain
// file: nothing has to be compiled for it.
func (b *balancer) firstServed(ctx context.Context, tomcats []*catalina.Tomcat) map[string]time.Time {
	v := newVisitor(b.t, b)
	out := map[string]time.Time{}
	missing := len(tomcats)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for missing > 0 {
		select {
		case <-ctx.Done():
			return out
		case <-again.C:
		}
		p, err := v.send(v.request("GET", site, "/app/node.txt", nil))
		if err != nil || p.status != 200 {
			continue
		}
		for _, tomcat := range tomcats {
			if _, known := out[tomcat.Name]; !known && p.word("node") == tomcat.Name {
				out[tomcat.Name] = time.Now()
				missing--
			}
		}
	}
	return out
}

// ear hears everything that is sent to a herd's group on this host.
type ear struct {
	mu      sync.Mutex // guards the rest
	heard   map[int]int
	strange []string
}

// hark listens to the group of a herd on the loopback interface until the test ends.
func hark(t *testing.T, h *herd) *ear {
	t.Helper()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	group := netip.MustParseAddrPort(h.where())
	c, err := net.ListenMulticastUDP("udp4", lo, net.UDPAddrFromAddrPort(group))
	if err != nil {
		t.Fatal(err)
	}
	e := &ear{heard: map[int]int{}}
	for _, tomcat := range h.tomcats {
		e.heard[tomcat.Receiver] = 0
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		buf := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			e.take(from, buf[:n])
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-over
	})
	return e
}

func (e *ear) take(from netip.AddrPort, b []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var m tribes.Member
	_, err := tribes.Parse(b, &m)
	if _, ours := e.heard[int(m.Port)]; err != nil || !ours {
		e.strange = append(e.strange, fmt.Sprintf("% x from %s", b, from))
		return
	}
	e.heard[int(m.Port)]++
}

// onlyTomcats requires that every datagram was a heartbeat of a Tomcat of the herd.
func (e *ear) onlyTomcats(t *testing.T) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.strange) > 0 {
		t.Errorf("%d datagrams in the group that no Tomcat has sent, the first one %s", len(e.strange), e.strange[0])
	}
	for receiver, n := range e.heard {
		if n == 0 {
			t.Errorf("nothing was heard of the Tomcat with the receiver %d", receiver)
		}
	}
}
