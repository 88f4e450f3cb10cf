// Package kern is what the packages of bpf share: bringing a compiled object
// into the kernel with its settings and the sizes checked, the meaning of the
// kernel's refusals, the addresses as the programs see them, and the names by
// which programs of Catherd are found again.
//
//	load.go     Load: object, settings, sizes, shared maps -> programs and maps
//	errors.go   ErrPermission, ErrUnsupported, Explain
//	address.go  Address: 16 bytes for either family
//	feature.go  Feature: what Probe of every package answers
//	stats.go    CostOf: how often programs ran and how long
//
// Only the packages under bpf call it. It must never pin anything: what is
// loaded lives as long as somebody holds a handle or it is attached.
//
// What bites: BTF of a structure and the Go type are made from one C source by
// bpf2go, yet an old object beside a new type would read garbage, so Load
// compares the sizes before the kernel sees the object.
package kern
