// Floor relays bytes between clients and one backend, and knows nothing else: no
// HTTP, no pool, no time-outs, no counters. It is the least that a balancer written in
// Go can cost, and therefore what the data plane is measured against: whatever
// Catherd takes above it is the price of being a balancer.
//
// Each loop has a thread, an epoll set and a listener of its own. It waits without
// the scheduler knowing, reads once, writes once. A request over a connection that is
// kept costs four system calls and a bit.
//
// bench/peers builds and starts it as the kind "floor". Nobody should put it in front
// of anything else: a client that does not read holds up its whole loop.
package main
