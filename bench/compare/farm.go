package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"

	"github.com/catherd/catherd/bench/load"
	"github.com/catherd/catherd/bench/peers"
	"github.com/catherd/catherd/bench/peers/canned"
)

// farm is what all parties share: two canned members that speak both protocols,
// the requests and what a right answer is.
type farm struct {
	o        options
	servers  []*canned.Server
	setup    peers.Setup
	requests [][]byte
	expect   load.Expect
}

func openFarm(o options) (*farm, error) {
	f := &farm{o: o, expect: load.Expect{Status: 200, Length: int64(o.size)}}
	f.setup = peers.Setup{Sticky: o.sticky, Packet: o.packet, Catherd: o.catherd}
	for _, name := range []string{"tomcat1", "tomcat2"} {
		request := load.Request{Host: "shop.example", Path: "/app/cart?item=4711", Body: make([]byte, o.post)}
		if o.sticky {
			// As long as a Tomcat's: 32 digits and the route.
			request.Cookie = "JSESSIONID=0123456789ABCDEF0123456789ABCDEF." + name
		}
		f.requests = append(f.requests, request.Bytes())
		for _, protocol := range []canned.Protocol{canned.AJP, canned.HTTP} {
			s, err := canned.Start(canned.Options{Protocol: protocol, Size: o.size, PacketSize: o.packet})
			if err != nil {
				f.close()
				return nil, err
			}
			f.servers = append(f.servers, s)
			member := peers.Member{Name: name, Addr: s.Addr()}
			if protocol == canned.AJP {
				f.setup.AJP = append(f.setup.AJP, member)
			} else {
				f.setup.HTTP = append(f.setup.HTTP, member)
			}
		}
	}
	return f, nil
}

func (f *farm) close() {
	for _, s := range f.servers {
		s.Close()
	}
}

// party is somebody who takes part.
type party struct {
	name string
	peer *peers.Peer // nil for direct
	addr netip.AddrPort
}

// open starts everybody asked for. Who cannot be started is named on out and
// left out.
func (f *farm) open(ctx context.Context, out, errs io.Writer) []*party {
	var all []*party
	for _, name := range f.o.parties {
		p, err := f.openOne(ctx, name)
		if err != nil {
			fmt.Fprintf(out, "not measured: %s\n", name)
			fmt.Fprintln(errs, err)
			continue
		}
		all = append(all, p)
	}
	return all
}

func (f *farm) openOne(ctx context.Context, name string) (*party, error) {
	if name == direct {
		return &party{name: direct, addr: f.setup.HTTP[0].Addr}, nil
	}
	kind, err := peers.Find(name)
	if err != nil {
		return nil, err
	}
	peer, err := kind.Start(ctx, f.setup, f.requests[0], f.expect)
	if err != nil {
		return nil, err
	}
	return &party{name: name, peer: peer, addr: peer.Addr}, nil
}

func stopAll(all []*party) {
	for _, p := range all {
		if p.peer != nil {
			p.peer.Stop()
		}
	}
}
