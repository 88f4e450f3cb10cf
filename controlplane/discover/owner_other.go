//go:build !linux

package discover

import "net/netip"

// Process is one process of this host that listens.
type Process struct {
	PID     int
	Listens []netip.AddrPort
	Command string
	Base    string
}

// Owners finds nothing here: it needs Linux's /proc.
func Owners([]netip.AddrPort) map[netip.AddrPort][]netip.AddrPort { return nil }

// LocalJava finds nothing here: it needs Linux's /proc.
func LocalJava() []Process { return nil }
