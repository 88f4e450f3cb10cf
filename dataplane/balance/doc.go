// Package balance chooses the member that serves a request.
//
// The proxy calls Pick once for each attempt and Account when a request has
// ended; the control plane calls Join for each pool just before it publishes a
// table. The order of thought in Pick:
//
//  1. A session goes to the member of its route, when that one serves sessions
//     (it may be draining), is not tripped and was not tried.
//  2. A session whose member cannot serve is refused, or moves: to the member
//     named by redirect, then within the replication group (domain), then to
//     anybody.
//  3. Everything else, sessions of unknown routes included, is new work: the
//     members of the smallest distance that has one usable. One spare joins for
//     each normal member of that distance that cannot be used. When no distance
//     has anybody, any spare that is left, then the standbys.
//  4. When nobody is left only because of trips, the trips are ignored, the
//     oldest first: a trip is a guess of the last seconds, and a wrong guess
//     about everybody would be an outage of our making. A member that takes
//     nothing is never used.
//
// Among several the pool's policy decides, and where it sees no difference the
// virtual time of virtual.go, which gives every member its weighted turn.
//
// It must never lock, allocate, read a clock or count anything but what choice
// itself needs (Score, Turn, Starts, Traffic): what became of a request is the
// proxy's to count.
//
// What bites:
//
//   - Pick takes a turn. To ask without taking it, set Request.Dry.
//   - LeastBusy looks at Guests, which the proxy raises for a request that was
//     placed by its policy: at once after Pick, or a burst goes to one member.
//   - The pool must have been sealed.
package balance
