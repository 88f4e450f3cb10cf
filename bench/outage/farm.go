package main

import (
	"context"
	"fmt"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/bench/freeport"
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

// freeBase finds a receiver port whose neighbours and connectors are free as well.
func freeBase() (int, error) {
	var offsets []int
	for i := range size {
		for _, offset := range []int{0, ajpOffset, httpOffset} {
			offsets = append(offsets, i*receiverStep+offset)
		}
	}
	return freeport.Pattern("127.0.0.1", offsets)
}
