// Package lookup lets listeners take connections to whole prefixes of addresses
// and ranges of ports, and changes which ones without binding anything again.
//
//	lookup.c    the program, asked by the kernel for every new connection
//	rules.go    Rule, and what follows from rules for every prefix
//	lookup.go   Attach, Set, Counts, Close
//
// The controller attaches one Table to its network namespace and gives it rules
// and listeners. The package must never keep a connection from anybody else:
// what no rule names is looked up by the kernel as ever, and so is what a rule
// names while none of its listeners is open.
//
// What bites:
//
//   - The addresses have to be local before anybody is asked: all of 127/8 are,
//     others need a route, as by "ip route add local 10.1.0.0/24 dev lo".
//   - A rule comes before sockets that are bound to the very address and port,
//     of other programs too. Check what is in a range before it is taken.
//   - The listener of a connection is bound elsewhere; the connection's own
//     local address is what the client asked for.
//   - Listeners made with MPTCP cannot take part.
package lookup
