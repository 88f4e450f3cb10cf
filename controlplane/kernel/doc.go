// Package kernel is the control plane's side of the programs in the kernel: what
// became of each of them, and what the kernel's events say about members.
//
//	status.go   Status: one program, whether it is at work, what it did, or the cure
//	board.go    Board: all of them, each kept by whoever attached it
//	burst.go    Bursts: events of connections in, signs that something is wrong out; pure
//	feed.go     Feed: starts the events, keeps their members current, hands out signs
//	names.go    addresses of members that are written as names
//
// The controller and the program's main part own a Board between them; the guard,
// the steering and the events each put a function on it. Status and metrics read it.
//
// It must never make anything depend on a program: a kernel that refuses one is a
// line on the board with the cure. A sign is never a verdict: it has a member asked,
// which health does, and at most avoided until the answer.
//
// What bites:
//
//   - A refused probe of our own is told as an event, too. It is the same witness
//     as the probe; see health.Kernel.
//   - Tomcat closes connections that have been idle for too long all in one round
//     of its poller, so many ends in one millisecond are no proof of death.
//   - The kernel's clock is CLOCK_MONOTONIC: Feed translates it when a batch comes.
package kernel
