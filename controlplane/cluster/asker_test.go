package cluster

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/dataplane/table"
)

// tomcat is one connector that may change, and notes when it is asked.
type tomcat struct {
	mu     sync.Mutex // guards the rest
	answer health.Sample
	speaks table.Scheme
	hangs  bool
	asked  []time.Time
	under  int // probes under way
	most   int // of them at a time
}

func (c *tomcat) Probe(ctx context.Context, t health.Target) health.Sample {
	c.mu.Lock()
	c.asked = append(c.asked, time.Now())
	c.under++
	c.most = max(c.most, c.under)
	hangs, s := c.hangs, c.answer
	if s.OK && t.To.Scheme != c.speaks {
		s = health.Sample{Fail: health.Odd}
	}
	c.mu.Unlock()
	if hangs {
		<-ctx.Done()
		s = health.Sample{Fail: health.Late}
	}
	c.mu.Lock()
	c.under--
	c.mu.Unlock()
	return s
}

func (c *tomcat) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// counts are how often it was asked, the probes under way, and the most of them
// at a time.
func (c *tomcat) counts() (asked, under, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.asked), c.under, c.most
}

func (c *tomcat) times() int { n, _, _ := c.counts(); return n }

// asking plays with an asker in a bubble of fake time.
func asking(t *testing.T, c *tomcat, f func(a *asker, told *atomic.Int64)) {
	synctest.Test(t, func(t *testing.T) {
		told := new(atomic.Int64)
		a := newAsker(c, func() { told.Add(1) })
		defer a.close()
		f(a, told)
	})
}

var at = netip.MustParseAddrPort("10.0.0.1:8009")

func one(want discover.Answer) []Question {
	return []Question{{Addr: at, Want: want, Connect: time.Second, Timeout: time.Second}}
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// A connector is asked five times a second while its Tomcat may be starting,
// then ever less, and often again when it says something else.
func TestAskBacksOff(t *testing.T) {
	c := &tomcat{answer: health.Sample{Fail: health.Refused}}
	asking(t, c, func(a *asker, told *atomic.Int64) {
		a.set(one(discover.AJP))
		pass(time.Second - 1)
		if n := c.times(); n != 5 || told.Load() != 1 || a.snapshot()[at] != discover.Refused {
			t.Errorf("asked %d times, told %d, %v", n, told.Load(), a.snapshot())
		}
		pass(time.Minute)
		last := c.times()
		pass(time.Minute)
		if n := c.times() - last; n != 30 {
			t.Errorf("asked %d times in a minute, much later", n)
		}
		if told.Load() != 1 {
			t.Errorf("the same was told %d times", told.Load())
		}
		c.set(func() { c.answer, c.speaks = health.Sample{OK: true}, table.AJP })
		pass(maxPause)
		if told.Load() != 2 || a.snapshot()[at] != discover.AJP {
			t.Errorf("told %d, %v", told.Load(), a.snapshot())
		}
		last = c.times()
		pass(time.Second)
		if n := c.times() - last; n != 5 {
			t.Errorf("asked %d times in the second after the news", n)
		}
		// The same wish goes on undisturbed; none ends it.
		last = c.times()
		a.set(one(discover.AJP))
		pass(0)
		if c.times() != last {
			t.Error("a wish that is repeated begins anew")
		}
		a.set(nil)
		pass(time.Minute)
		if c.times() != last || len(a.snapshot()) != 0 {
			t.Errorf("asked on, %v", a.snapshot())
		}
	})
}

// Who is heard anew is asked often again, but not because somebody says so all
// the time, nor because of another host.
func TestAskAgainWhenHeard(t *testing.T) {
	c := &tomcat{answer: health.Sample{Fail: health.Refused}}
	asking(t, c, func(a *asker, _ *atomic.Int64) {
		a.set(one(discover.AJP))
		asked := func(d time.Duration) int { n := c.times(); pass(d); return c.times() - n }
		pass(time.Minute)
		a.heard(netip.MustParseAddr("10.0.0.2"))
		if n := asked(4 * time.Second); n != 2 {
			t.Errorf("asked %d times after news of another host", n)
		}
		a.heard(at.Addr())
		if n := asked(time.Second - 1); n != 5 {
			t.Errorf("asked %d times in the second after its host was heard", n)
		}
		pass(time.Minute)
		n := c.times()
		for range 600 {
			a.heard(at.Addr())
			pass(100 * time.Millisecond)
		}
		if n = c.times() - n; n > 6*50 {
			t.Errorf("asked %d times in a minute in which its host was heard all the time", n)
		}
	})
}

// Where thousands of connectors are named each of them is asked less often.
func TestAskACrowdLessOften(t *testing.T) {
	c := &tomcat{answer: health.Sample{Fail: health.Refused}}
	asking(t, c, func(a *asker, _ *atomic.Int64) {
		var all []Question
		for port := range uint16(crowd + 1) {
			all = append(all, Question{Addr: netip.AddrPortFrom(at.Addr(), port+1), Connect: time.Second, Timeout: time.Second})
		}
		a.set(all)
		pass(2 * time.Minute)
		n := c.times()
		pass(time.Minute)
		if n = c.times() - n; n != 6*len(all) {
			t.Errorf("asked %d times in a minute", n)
		}
	})
}

// What a connector speaks is found out, whatever is wanted.
func TestAskInBothProtocols(t *testing.T) {
	f := func(answer health.Sample, speaks table.Scheme, want, expect discover.Answer) {
		t.Helper()
		asking(t, &tomcat{answer: answer, speaks: speaks}, func(a *asker, _ *atomic.Int64) {
			a.set(one(want))
			pass(0)
			if got := a.snapshot()[at]; got != expect {
				t.Errorf("wanted %s: %s, want %s", want, got, expect)
			}
		})
	}
	ok := health.Sample{OK: true}
	for _, want := range []discover.Answer{discover.Unknown, discover.AJP, discover.HTTP} {
		f(ok, table.AJP, want, discover.AJP)
		f(ok, table.HTTP, want, discover.HTTP)
		f(health.Sample{Fail: health.Refused}, 0, want, discover.Refused)
		f(health.Sample{Fail: health.Late}, 0, want, discover.Mute)
		f(health.Sample{Fail: health.Closed}, 0, want, discover.Other)
	}
}

// Forged heartbeats may name a thousand connectors: few are asked at a time,
// and all of them end when nobody wants to know.
func TestAskIsBounded(t *testing.T) {
	c := &tomcat{hangs: true}
	asking(t, c, func(a *asker, _ *atomic.Int64) {
		var all []Question
		for port := range uint16(200) { // with a thousand, Go's race detector fails a check of its own
			all = append(all, Question{Addr: netip.AddrPortFrom(at.Addr(), port+1), Connect: time.Second, Timeout: time.Second})
		}
		a.set(all)
		pass(time.Minute)
		if _, _, most := c.counts(); most != atOnce {
			t.Errorf("%d at a time", most)
		}
		a.set(nil)
		pass(0)
		if _, under, _ := c.counts(); under != 0 {
			t.Errorf("%d still under way", under)
		}
		asked := c.times()
		a.close()
		a.set(all)
		pass(time.Minute)
		if c.times() != asked {
			t.Error("asked after the end")
		}
	})
}
