// Package bpf holds the programs that Catherd runs in the kernel and the Go
// that loads, attaches and reads them.
//
// Every one of them is optional: whoever asks for a program gets it or an error
// that says why not, and works on without. What the kernel offers is found out
// by trying, never from its version.
//
//	member_filter.go  AttachMemberFilter: keeps datagrams away from a socket of a
//	                  multicast group that no Tomcat can have sent
//	probe.go          Probe: which programs can run here, and if not, the cure
//	inventory.go      Inventory, CountRuns: what is attached, since when, its cost
//	clean.go          Clean: takes every trace of Catherd's away
//	errors.go         what the kernel's refusals mean
//	guard/            drops floods and denied sources at the interface
//	events/           tells what happens to connections to members
//	steer/            chooses the listener of a new connection
//	lookup/           listeners for prefixes of addresses and ranges of ports
//	include/          what the programs in C share
//
// The controller hands sockets and addresses in; nobody else calls. The packages
// import nothing of Catherd and must never send a packet, change a route or
// leave anything behind when the process ends.
//
// What bites:
//
//   - A filter of a datagram socket sees the packet from its UDP header on, so
//     the payload begins at offset 8.
//   - The counters count what the filter saw, not what was read: a datagram
//     that passed may still find the socket's buffer full.
//   - A name in the kernel has 15 bytes; all of ours begin with "catherd_", which
//     is how Inventory and Clean know them.
package bpf
