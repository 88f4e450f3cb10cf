// Accept shows what a new connection waits when one of the acceptors is held up, by the
// kernel's own hash and by the steering (bpf/steer).
//
//	go run ./bench/accept                     as root, on Linux 5.12 or newer
//	go run ./bench/accept -rate 500 -rounds 5 -spin
//
// A balancer with two event loops, in a process of its own, answers each connection; one
// of the loops is held up for 50 ms, ten times a second. Clients come at random moments
// (Poisson), each with a connection of its own, and are timed from the moment they were
// meant to come up to the first bytes of the answer. Rounds with and without steering
// take turns, and medians of the rounds are compared.
//
// Where things are: main.go has the rounds and the verdict, serve.go the balancer,
// arrive.go the clients, figures.go the arithmetic.
//
// What it must never do: time a client from the moment it was started. When the machine
// is late, that is a part of what a client waits, in both cases alike.
//
// What bites: held up means that the thread sleeps (as by a page that has to come from
// disk), so that the processor is free for the other loop. With -spin it computes, and on
// a machine with two processors the clients get less, in both cases.
package main
