package cluster

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/tribes"
)

func port(n uint16) []netip.AddrPort {
	return []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), n)}
}

// One look is under way at most, however often it is asked for, and the newest
// wish is not forgotten.
func TestLooksOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var news atomic.Int64
		var mu sync.Mutex // guards the rest
		under, most := 0, 0
		var looked []uint16
		e := New(Options{Prober: paper{}, Notify: func() { news.Add(1) }, Tell: func(tribes.Event) {}})
		defer e.Close()
		e.owned = func(r []netip.AddrPort) map[netip.AddrPort][]netip.AddrPort {
			mu.Lock()
			under++
			most = max(most, under)
			looked = append(looked, r[0].Port())
			mu.Unlock()
			time.Sleep(time.Second) // a busy host, in the bubble's time
			mu.Lock()
			under--
			mu.Unlock()
			return map[netip.AddrPort][]netip.AddrPort{r[0]: port(8009)}
		}
		for n := range uint16(10) {
			e.Look(port(4000 + n))
		}
		synctest.Wait()
		before := e.Inputs(time.Now())
		pass(3 * time.Second)
		mu.Lock()
		if most != 1 || len(looked) != 2 || looked[0] != 4000 || looked[1] != 4009 {
			t.Errorf("%d at a time, looked for %v", most, looked)
		}
		mu.Unlock()
		in := e.Inputs(time.Now())
		if len(before.Owners) != 0 || len(in.Owners) != 1 || len(in.Owners[port(4009)[0]]) != 1 || news.Load() != 2 {
			t.Errorf("owners %v, news %d", in.Owners, news.Load())
		}
		if len(e.Local()) == 0 {
			t.Error("this host has no address")
		}
		// The next one is not held up by those that are over, and the same
		// again is no news.
		e.Look(port(4009))
		pass(2 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if len(looked) != 3 || news.Load() != 2 {
			t.Errorf("looked for %v, news %d", looked, news.Load())
		}
	})
}

// After the end nothing is begun, by nobody, and what was under way has ended.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := new(atomic.Int64)
		e := New(Options{Prober: paper{}, Notify: func() {}, Tell: func(tribes.Event) {}})
		e.owned = func([]netip.AddrPort) map[netip.AddrPort][]netip.AddrPort {
			looks.Add(1)
			time.Sleep(time.Second)
			return nil
		}
		c := parse(t, "pools: {app: {members: {a: ajp://127.0.0.1:8009}}}\n")
		e.Look(port(4000))
		e.Look(port(4001))
		e.Ask(c, []discover.Candidate{{Addr: at}})
		synctest.Wait()
		e.Close()
		if looks.Load() != 1 {
			t.Errorf("%d looks: the second was begun after the end", looks.Load())
		}
		e.Look(port(4002))
		e.Set(parse(t, "tribes: {group: \"239.9.8.7:45564\", interface: lo}\npools: {app: {discover: {ajp_port: 8009}}}\n"))
		e.Ask(c, []discover.Candidate{{Addr: at}})
		pass(time.Minute)
		if looks.Load() != 1 || len(e.Groups()) != 0 {
			t.Errorf("%d looks, groups %v", looks.Load(), e.Groups())
		}
	})
}

// Names are asked for as long as the file has them; here, of a resolver that is
// not there.
func TestEarsSetNames(t *testing.T) {
	e, _, _ := ears(t, paper{})
	names := func(text string) (out []string) {
		t.Helper()
		e.Set(parse(t, "pools: {app: {discover: {dns: "+text+"}}}\n"))
		for _, s := range e.Sources() {
			out = append(out, s.Pool+" "+s.Name)
		}
		return out
	}
	e.resolvers = []string{"127.0.0.1:1"}
	if got := names("ajp://tomcats.invalid:8009"); len(got) != 1 || got[0] != "app tomcats.invalid" {
		t.Errorf("names %v", got)
	}
	same := e.names[0]
	if got := names("ajp://tomcats.invalid:8009"); len(got) != 1 || e.names[0] != same {
		t.Errorf("a name that stays is asked anew: %v", got)
	}
	if got := names("[ajp://others.invalid:8009, ajp://tomcats.invalid:8009]"); len(got) != 2 || e.names[1] != same {
		t.Errorf("names %v", got)
	}
	e.Set(parse(t, "pools: {app: {members: {a: ajp://127.0.0.1:8009}}}\n"))
	if got := e.Sources(); len(got) != 0 {
		t.Errorf("names that are named no more: %v", got)
	}
}

// A name that stays keeps its answer when another one comes or goes, and one
// that is named no more loses it.
func TestEarsKeepAnswers(t *testing.T) {
	e, news, _ := ears(t, paper{})
	e.resolvers = []string{"127.0.0.1:1"} // nobody answers: /etc/hosts does
	set := func(dns string) (out []string) {
		t.Helper()
		e.Set(parse(t, "pools: {app: {discover: {dns: "+dns+"}}}\n"))
		for _, n := range e.Inputs(time.Now()).Names {
			if len(n.Addrs) > 0 {
				out = append(out, n.Name)
			}
		}
		return out
	}
	set("ajp://localhost:8009")
	until(t, news, "an answer", func() bool { return len(e.Inputs(time.Now()).Names[0].Addrs) > 0 })
	if got := set("[ajp://others.invalid:8009, ajp://localhost:8009]"); len(got) != 1 || got[0] != "localhost" {
		t.Errorf("with one name more: %v", got)
	}
	if got := set("ajp://others.invalid:8009"); len(got) != 0 {
		t.Errorf("named no more: %v", got)
	}
}
