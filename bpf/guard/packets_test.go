package guard

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/catherd/catherd/bpf/internal/kern"
)

// frame builds the bytes of one packet, from the outside in.
type frame []byte

func ether(proto uint16) frame {
	return frame{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, byte(proto >> 8), byte(proto)}
}

// vlan puts a tag between Ethernet and what follows.
func (f frame) vlan(id, outer uint16) frame {
	inner := binary.BigEndian.Uint16(f[len(f)-2:])
	binary.BigEndian.PutUint16(f[len(f)-2:], outer)
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(f, id), inner)
}

// ip4 appends a header; fragment is the word with the flags and the offset.
func (f frame) ip4(from, to string, proto byte, fragment uint16, payload int, options ...byte) frame {
	size := 20 + len(options)
	f = append(f, 0x40|byte(size/4), 0)
	f = binary.BigEndian.AppendUint16(f, uint16(size+payload))
	f = append(f, 0, 0, byte(fragment>>8), byte(fragment), 64, proto, 0, 0)
	f = append(f, netip.MustParseAddr(from).AsSlice()...)
	f = append(f, netip.MustParseAddr(to).AsSlice()...)
	return append(f, options...)
}

func (f frame) ip6(from, to string, next byte, payload int) frame {
	f = append(f, 0x60, 0, 0, 0)
	f = binary.BigEndian.AppendUint16(f, uint16(payload))
	f = append(f, next, 64)
	f = append(f, netip.MustParseAddr(from).AsSlice()...)
	return append(f, netip.MustParseAddr(to).AsSlice()...)
}

func (f frame) tcp(port uint16, flags byte) frame {
	f = append(f, 0xc0, 0x01)
	f = binary.BigEndian.AppendUint16(f, port)
	f = append(f, make([]byte, 8)...)
	return append(f, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0)
}

func (f frame) udp(port uint16, payload []byte) frame {
	f = append(f, 0xc0, 0x01)
	f = binary.BigEndian.AppendUint16(f, port)
	f = binary.BigEndian.AppendUint16(f, uint16(8+len(payload)))
	f = append(f, 0, 0)
	return append(f, payload...)
}

const syn, ack, synAck = 0x02, 0x10, 0x12

func tcp4(from, to string, port uint16, flags byte) frame {
	return ether(0x0800).ip4(from, to, 6, 0, 20).tcp(port, flags)
}

func tcp6(from, to string, port uint16, flags byte) frame {
	return ether(0x86dd).ip6(from, to, 6, 20).tcp(port, flags)
}

// bench is a guard that packets are shown to one by one.
type bench struct {
	*testing.T
	g *Guard
}

// load makes a guard. It skips only where the kernel does not let it.
func start(t *testing.T, r Rules) bench {
	t.Helper()
	g, err := New(r)
	if errors.Is(err, kern.ErrPermission) || errors.Is(err, kern.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return bench{t, g}
}

// run shows a packet to both programs and returns whether both drop it. What
// changes counters or rates is changed twice.
func (b bench) run(f frame) bool {
	b.Helper()
	xdp := b.one(b.g.objs.CatherdXdp, f)
	tcx := b.one(b.g.objs.CatherdTcx, f)
	if (xdp == 1) != (tcx == 2) {
		b.Errorf("xdp says %d, tcx %d to % x", xdp, int32(tcx), []byte(f))
	}
	if xdp != 1 && xdp != 2 || tcx != 2 && int32(tcx) != -1 {
		b.Errorf("xdp says %d, tcx %d, which are no verdicts", xdp, int32(tcx))
	}
	return xdp == 1
}

func (b bench) one(p *ebpf.Program, f frame) uint32 {
	b.Helper()
	// Shorter ones are refused by the trial run itself.
	for len(f) < 64 {
		f = append(f, 0)
	}
	v, err := p.Run(runOf(f))
	if err != nil {
		b.Fatalf("show the packet: %v", err)
	}
	return v
}

func (b bench) drops(f frame) {
	b.Helper()
	if !b.run(f) {
		b.Errorf("passes: % x", []byte(f))
	}
}

func (b bench) passes(f frame) {
	b.Helper()
	if b.run(f) {
		b.Errorf("is dropped: % x", []byte(f))
	}
}

func prefixes(s ...string) (out []netip.Prefix) {
	for _, p := range s {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func runOf(f frame) *ebpf.RunOptions { return &ebpf.RunOptions{Data: f} }
