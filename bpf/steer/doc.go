// Package steer chooses which listener of an address gets a new connection, in
// the kernel, before the connection is there.
//
//	steer.c     the program of a group of listeners (SO_REUSEPORT)
//	group.go    Group: New, Attach, Add, Switch, Forget, Close
//	load.go     Load: what an acceptor tells the program; Counts
//	share.go    Handles, Adopt: one group in two processes
//
// Listeners stand in generations. A process fills one of its own with Add and
// takes all new connections with one Switch; what the former generation has
// accepted or holds in its queues stays there. The controller calls; acceptors
// write to their Load. The package must never be needed: without it, or when
// no listener can be named, the kernel chooses by its hash.
//
// What bites:
//
//   - A program belongs to the whole group, to sockets of other processes too,
//     and stays with it until its last socket is closed.
//   - A socket can stand in one generation only (the kernel answers EBUSY). A
//     process that was handed a listener cannot put it into its own
//     generation; it opens another on the same address.
//   - Only sockets that listen and were made without MPTCP can stand in one.
//   - PolicyCPU puts everything on one listener when clients are on the same
//     host. It is for network cards whose queues are pinned.
//   - A Load stays valid after Close: its memory (64 KiB a group) is never
//     given back, because an acceptor may still write to it.
package steer
