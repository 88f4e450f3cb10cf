package guard

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/catherd/catherd/bpf/internal/kern"
)

// The structures of guard.c; their sizes are compared when it is loaded.
type (
	prefixKey struct {
		Bits    uint32
		Address kern.Address
	}
	servedKey struct {
		Bits, Port uint32
		Address    kern.Address
	}
	groupKey struct {
		Address kern.Address
		Port    uint32
	}
	groupValue struct {
		Shape, _         uint32
		Gap, Burst       uint64
		AllGap, AllBurst uint64
		AllDue           uint64
	}
	sourceKey struct {
		Address kern.Address
		Kind    uint32
	}
	countValue struct{ Packets, Bytes uint64 }
)

// firstRule is FIRST_RULE of guard.c.
const firstRule = 16

func sizeOf[K, V any]() kern.Size {
	var k K
	var v V
	return kern.Size{Key: unsafe.Sizeof(k), Value: unsafe.Sizeof(v)}
}

var sizes = map[string]kern.Size{
	objectMapCatherdAllow:  sizeOf[prefixKey, uint32](),
	objectMapCatherdDeny:   sizeOf[prefixKey, uint32](),
	objectMapCatherdServe:  sizeOf[servedKey, uint32](),
	objectMapCatherdGroups: sizeOf[groupKey, groupValue](),
	objectMapCatherdDue:    sizeOf[sourceKey, uint64](),
	objectMapCatherdCounts: sizeOf[uint32, countValue](),
}

// load makes the programs of a set of rules. Where due is given, the memory of
// the rates goes on in it.
func load(r Rules, due *ebpf.Map) (*objectObjects, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	o := kern.Options{
		Settings: settings(r),
		Sizes:    sizes,
		Entries:  map[string]uint32{objectMapCatherdCounts: firstRule + uint32(len(r.Deny))},
	}
	if due != nil {
		o.Keep = map[string]*ebpf.Map{objectMapCatherdDue: due}
	}
	objs := new(objectObjects)
	if err := kern.Load("load the guard", loadObject, objs, o); err != nil {
		return nil, err
	}
	if err := fill(&objs.objectMaps, r); err != nil {
		objs.Close()
		return nil, err
	}
	return objs, nil
}

func settings(r Rules) map[string]any {
	bits4, bits6 := r.SourceBits4, r.SourceBits6
	if bits4 == 0 {
		bits4 = 32
	}
	if bits6 == 0 {
		bits6 = 64
	}
	var ports [1024]uint64
	for _, e := range r.Serve {
		for n, port := 0, e.First; n < e.ports(); n, port = n+1, port+1 {
			ports[port>>6] |= 1 << (port & 63)
		}
	}
	return map[string]any{
		objectVarDryRun:     yes(r.DryRun),
		objectVarHaveDeny:   yes(len(r.Deny) > 0),
		objectVarHaveAllow:  yes(len(r.Allow) > 0),
		objectVarHaveGroups: yes(len(r.Groups) > 0),
		objectVarGap:        r.Connections.gap(),
		objectVarBurst:      r.Connections.burst(),
		objectVarMask4:      mask(96 + bits4),
		objectVarMask6:      mask(bits6),
		objectVarPorts:      ports,
	}
}

func yes(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// mask returns the first bits of an address set, as four words in memory order.
func mask(bits int) (m [4]uint32) {
	var b [16]byte
	for i := range bits {
		b[i/8] |= 0x80 >> (i % 8)
	}
	for i := range m {
		m[i] = binary.NativeEndian.Uint32(b[4*i:])
	}
	return m
}

func fill(maps *objectMaps, r Rules) error {
	for i, p := range r.Deny {
		if err := put(maps.CatherdDeny, p, firstRule+uint32(i), r.Deny); err != nil {
			return fmt.Errorf("deny %q: %v", p, err)
		}
	}
	for i, p := range r.Allow {
		if err := put(maps.CatherdAllow, p, uint32(i), r.Allow); err != nil {
			return fmt.Errorf("allow %q: %v", p, err)
		}
	}
	for i, e := range r.Serve {
		if err := serve(maps.CatherdServe, e, uint32(i)); err != nil {
			return fmt.Errorf("serve %q: %v", e.Addr, err)
		}
	}
	for _, g := range r.Groups {
		key := groupKey{kern.AddressOf(g.At.Addr()), uint32(g.At.Port())}
		value := groupValue{
			Shape: uint32(g.Shape),
			Gap:   g.Source.gap(), Burst: g.Source.burst(),
			AllGap: g.All.gap(), AllBurst: g.All.burst(),
		}
		if err := maps.CatherdGroups.Put(key, value); err != nil {
			return fmt.Errorf("group %q: %v", g.At, err)
		}
	}
	return nil
}

func serve(m *ebpf.Map, e Endpoint, index uint32) error {
	key := servedKey{Bits: 32}
	if e.Addr.IsValid() {
		p := e.Addr.Masked()
		key.Bits += kern.Bits(p)
		key.Address = kern.AddressOf(p.Addr())
	}
	// Port 0 is for packets whose port is not known.
	if err := m.Put(key, index); err != nil {
		return err
	}
	for n := range e.ports() {
		key.Port = uint32(e.First) + uint32(n)
		if err := m.Put(key, index); err != nil {
			return err
		}
	}
	return nil
}

func keyOf(p netip.Prefix) prefixKey {
	p = p.Masked()
	return prefixKey{kern.Bits(p), kern.AddressOf(p.Addr())}
}

// put puts the parts of a prefix of a list into a trie. What another one of the list
// says of just such a part is left alone.
func put(m *ebpf.Map, p netip.Prefix, value uint32, list []netip.Prefix) error {
	for _, part := range parts(p) {
		if part != p.Masked() && slices.Contains(list, part) {
			continue
		}
		if err := m.Put(keyOf(part), value); err != nil {
			return err
		}
	}
	return nil
}

// parts are the prefixes that stand for p in a trie. IPv4 is kept as ::ffff:0:0/96, so a
// prefix of IPv6 that reaches over it must be cut: into its halves down to ::/16, of which
// only ::1 can be a source.
func parts(p netip.Prefix) (out []netip.Prefix) {
	p = p.Masked()
	if p.Addr().Is4() || p.Bits() > 80 || p.Addr() != netip.IPv6Unspecified() {
		return []netip.Prefix{p}
	}
	for n := p.Bits(); n < 16; n++ {
		var b [16]byte
		b[n/8] = 0x80 >> (n % 8)
		out = append(out, netip.PrefixFrom(netip.AddrFrom16(b), n+1))
	}
	return append(out, netip.PrefixFrom(netip.IPv6Loopback(), 128))
}
