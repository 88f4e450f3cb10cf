package kern

import "net/netip"

// Address is an address as the programs keep it: IPv4 as ::ffff:a.b.c.d.
type Address [16]byte

// AddressOf returns a as the programs keep it.
func AddressOf(a netip.Addr) Address { return Address(a.As16()) }

// Addr returns the address, IPv4 as IPv4.
func (a Address) Addr() netip.Addr { return netip.AddrFrom16(a).Unmap() }

// Bits returns the length of a prefix as the programs' tries count it: those of
// IPv4 come after the 96 bits of ::ffff:0:0.
func Bits(p netip.Prefix) uint32 {
	if p.Addr().Is4() {
		return uint32(p.Bits()) + 96
	}
	return uint32(p.Bits())
}
