// Package guard drops what need not reach Catherd: packets of denied sources,
// new connections beyond the rate of their source, and datagrams to the
// cluster's group that no member can have sent or that come too fast.
//
//	guard.c     the program, for XDP and for tcx
//	rules.go    Rules: what is served, denied, allowed and limited; Check
//	fill.go     rules as the maps and settings of one load
//	guard.go    New, Set, Close: one set of rules at work
//	attach.go   Attach: native XDP, tcx or generic XDP on an interface
//	counts.go   Counts: what was let pass and dropped, by rule
//
// The controller makes one Guard, attaches it to the interfaces that clients
// come from and gives it new rules. The package must never judge a packet that
// is not for what Catherd serves, never drop one whose source is allowed, and
// never leave anything behind: the links are not pinned and go with the process.
//
// What bites:
//
//   - Rules are never changed in place. Set makes a new program with new maps
//     and puts it where the old one was with one call for each interface; the
//     memory of the rates is shared by both.
//   - Loopback has no native XDP, and generic XDP copies every packet of the
//     device first. So tcx comes before generic XDP.
//   - What this host sends to a group comes back as a copy without a header of
//     Ethernet, and native XDP never sees it; tcx does.
//   - A later fragment has no port: it is judged by its addresses alone.
//   - Attaching natively makes some drivers set up their rings again, which
//     costs a moment of traffic. Updating does not.
package guard
