// Package bpf holds the programs that Catherd runs in the kernel and the Go
// that loads, attaches and reads them.
//
// Every one of them is optional: whoever asks for a program gets it or an error
// that says why not, and works on without. What the kernel offers is found out
// by trying, never from its version.
//
//	member_filter.go  AttachMemberFilter: keeps datagrams away from a socket of a
//	                  multicast group that no Tomcat can have sent
//	errors.go         what the kernel's refusals mean
//
// The controller hands sockets in; nobody else calls. The package imports
// nothing of Catherd and must never send a packet, change a route or leave
// anything behind when the process ends.
//
// What bites:
//
//   - A filter of a datagram socket sees the packet from its UDP header on, so
//     the payload begins at offset 8.
//   - The counters count what the filter saw, not what was read: a datagram
//     that passed may still find the socket's buffer full.
package bpf
