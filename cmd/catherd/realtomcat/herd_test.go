package realtomcat

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/controlplane/admin"
)

// Receivers of a herd lie some ports apart, because a receiver moves up when its port is
// taken (autoBind), and each connector lies at the same distance from its receiver.
const (
	herdStep   = 10
	herdOffset = 1009
)

// herd is a cluster of which nothing runs at first.
type herd struct {
	group   catalina.Multicast
	tomcats []*catalina.Tomcat
}

// newHerd writes one Tomcat for each version, at an address, with receivers from a port
// on, named prefix1, prefix2 and so on. They end with the test.
func newHerd(t *testing.T, address string, base int, prefix string, versions ...string) *herd {
	t.Helper()
	group, err := catalina.FreeGroup()
	if err != nil {
		t.Fatal(err)
	}
	group.Bind = address
	h := &herd{group: group}
	for i, version := range versions {
		receiver := base + i*herdStep
		tomcat, err := catalina.New(catalina.Options{Version: version, Name: prefix + strconv.Itoa(i+1), Cluster: true,
			Address: address, Multicast: group, Receiver: receiver, AJP: receiver + herdOffset})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tomcat.Close)
		h.tomcats = append(h.tomcats, tomcat)
	}
	return h
}

// where is the group as a configuration names it.
func (h *herd) where() string { return fmt.Sprintf("%s:%d", h.group.Group, h.group.Port) }

// herdBase finds a first receiver port such that all ports of the pattern are free, below
// the range the kernel takes outgoing ports from.
func herdBase(t *testing.T, size int) int {
	t.Helper()
	free := func(base int) bool {
		for i := range size {
			for _, port := range []int{base + i*herdStep, base + i*herdStep + herdOffset} {
				l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				if err != nil {
					return false
				}
				defer l.Close() // all are held until the answer is known
			}
		}
		return true
	}
	for range 1000 {
		if base := 20_000 + rand.IntN(9_000); free(base) {
			return base
		}
	}
	t.Fatalf("no %d free ports in a pattern in 1000 tries", 2*size)
	return 0
}

// at finds the member with a Tomcat's connector; nil when there is none.
func at(s *admin.Status, tomcat *catalina.Tomcat) *admin.MemberStatus {
	for i := range s.Pools {
		for k := range s.Pools[i].Members {
			if m := &s.Pools[i].Members[k]; m.URL == "ajp://"+tomcat.AJPAddr() {
				return m
			}
		}
	}
	return nil
}

// has waits until the member with a Tomcat's connector is as wanted.
func (b *balancer) has(tomcat *catalina.Tomcat, what string, yes func(*admin.MemberStatus) bool) admin.MemberStatus {
	b.t.Helper()
	var last *admin.MemberStatus
	b.until(tomcat.Name+" "+what, func() bool {
		last = at(b.status(), tomcat)
		return last != nil && yes(last)
	})
	return *last
}

// said lists the texts of the log's lines with a message, of those with all the words.
func (b *balancer) said(msg string, words ...string) (out []string) {
	b.t.Helper()
	for _, line := range b.lines() {
		reason, _ := line["reason"].(string)
		if member, _ := line["member"].(string); member != "" {
			reason = member + ": " + reason
		}
		if line["msg"] == msg && hasAll(reason, words) {
			out = append(out, reason)
		}
	}
	return out
}

// takenOut is what the log says of members that take no requests any more.
func (b *balancer) takenOut() (out []string) {
	b.t.Helper()
	for _, line := range b.lines() {
		if line["msg"] == "member leaving" || line["msg"] == "member down" {
			out = append(out, fmt.Sprint(line["member"], ": ", line["reason"]))
		}
	}
	return out
}

// crowd is people who ask for pages at a steady pace and count what fails.
type crowd struct {
	stop   context.CancelFunc
	over   sync.WaitGroup
	asked  atomic.Int64
	failed atomic.Int64
	worst  atomic.Int64 // nanoseconds one had to wait
	mu     sync.Mutex   // guards first
	first  string       // what failed first
}

// come starts a crowd of n people, one of whom asks for the path at every beat.
func (b *balancer) come(n int, every time.Duration, path string) *crowd {
	b.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	c := &crowd{stop: stop}
	people := make(chan *visitor, n)
	for range n {
		people <- newVisitor(b.t, b)
	}
	c.over.Go(func() {
		beat := time.NewTicker(every)
		defer beat.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-beat.C:
				v := <-people
				c.over.Go(func() {
					c.ask(v, path)
					people <- v
				})
			}
		}
	})
	b.t.Cleanup(func() {
		stop()
		c.over.Wait()
	})
	return c
}

func (c *crowd) ask(v *visitor, path string) {
	c.asked.Add(1)
	start := time.Now()
	p, err := v.send(v.request(http.MethodGet, site, path, nil))
	wait := int64(time.Since(start))
	for worst := c.worst.Load(); wait > worst && !c.worst.CompareAndSwap(worst, wait); worst = c.worst.Load() {
	}
	if err == nil && p.status == http.StatusOK {
		return
	}
	c.failed.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == "" {
		c.first = fmt.Sprintf("at %s: status %d, reason %q, %v", start.Format(time.StampMilli), p.status, p.head.Get("Catherd-Reason"), err)
	}
}

// leave ends the crowd and requires that nothing failed.
func (c *crowd) leave(t *testing.T, during string) {
	t.Helper()
	c.stop()
	c.over.Wait()
	t.Logf("%s: %d requests, %d failed, worst wait %v", during, c.asked.Load(), c.failed.Load(),
		time.Duration(c.worst.Load()).Round(time.Millisecond))
	if c.asked.Load() == 0 || c.failed.Load() > 0 {
		t.Errorf("%s: %d of %d requests failed, the first one %s", during, c.failed.Load(), c.asked.Load(), c.first)
	}
}
