package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"

	"github.com/catherd/catherd/bench/catalina"
)

// size is how many Tomcats there are.
const size = 3

// Receivers lie ten ports apart, because autoBind moves a receiver up when its port is
// taken, and each connector lies at the same distance from its receiver, which is what
// `discover: {ajp_port_offset: N}` needs.
const (
	receiverStep = 10
	ajpOffset    = 1009
	httpOffset   = 2009
)

// farm is the cluster.
type farm struct {
	group   catalina.Multicast
	tomcats []*catalina.Tomcat
}

// newFarm prepares the cluster; nothing runs yet. Its heartbeats stay on loopback, on a
// port of its own.
func newFarm(s settings) (*farm, error) {
	group, err := catalina.FreeGroup()
	if err != nil {
		return nil, err
	}
	base, err := freeBase()
	if err != nil {
		return nil, err
	}
	f := &farm{group: group}
	for i := range size {
		receiver := base + i*receiverStep
		t, err := catalina.New(catalina.Options{Version: s.tomcat, Name: fmt.Sprintf("tomcat%d", i+1), Cluster: !s.alone,
			Multicast: group, Receiver: receiver, AJP: receiver + ajpOffset, HTTP: receiver + httpOffset,
			JVMArgs: []string{"-Xmx320m"}})
		if err != nil {
			f.close()
			return nil, err
		}
		f.tomcats = append(f.tomcats, t)
	}
	return f, nil
}

func (f *farm) start(ctx context.Context) error { return catalina.StartAll(ctx, f.tomcats...) }

func (f *farm) names() (names []string) {
	for _, t := range f.tomcats {
		names = append(names, t.Name)
	}
	return names
}

// ledgers are the ids of all POSTs each member has begun to process, over all its lives.
func (f *farm) ledgers() (map[string][]string, error) {
	all := make(map[string][]string)
	for _, t := range f.tomcats {
		ids, err := t.Ledger()
		if err != nil {
			return nil, fmt.Errorf("ledger of %s: %v", t.Name, err)
		}
		all[t.Name] = ids
	}
	return all, nil
}

func (f *farm) close() {
	for _, t := range f.tomcats {
		t.Close()
	}
}

// freeBase finds a receiver port whose neighbours and connectors are free as well, all
// below the range the kernel takes outgoing ports from.
func freeBase() (int, error) {
	for range 1000 {
		base := 20_000 + rand.IntN(9_000)
		if allFree(base) {
			return base, nil
		}
	}
	return 0, fmt.Errorf("find %d free ports in a pattern: 1000 tries", 3*size)
}

func allFree(base int) bool {
	for i := range size {
		for _, offset := range []int{0, ajpOffset, httpOffset} {
			l, err := net.Listen("tcp", local(base+i*receiverStep+offset))
			if err != nil {
				return false
			}
			defer l.Close() // all are held until the answer is known
		}
	}
	return true
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
