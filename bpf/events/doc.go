// Package events tells what the kernel sees of the connections to members while
// it sees it: resets, refused and unanswered connects, data that is not
// acknowledged, ends that the member sent first.
//
//	events.c    three tracepoints, filtered to members, into a ring
//	event.go    Event, Kind
//	watch.go    Start, Set, Batches, Lost, Close
//
// The controller starts one Watch, tells it the members' addresses whenever they
// change, and hands the batches to health and to the pools. The package must
// let a connection wait for its reader: when the ring is full, events are lost
// and counted.
//
// What bites:
//
//   - The tracepoints see every process of the machine. Sockets count when they
//     are in the network namespace of Start's caller and connected to a member,
//     so connections of other programs to the same member are told as well; the
//     local port says whose it was.
//   - A refused connect is told once, as Refused, although a reset came.
//   - TimedOut is the kernel's own time-out (200 ms and more), not an early
//     repair of a lost segment. That the member's host answers with "no such
//     host" in between shows only at the end, as Lost.
//   - A hung process whose host still acknowledges shows nothing here.
package events
