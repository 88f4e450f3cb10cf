// Package discover turns what is heard into what can be routed to.
//
// A heartbeat of a Tomcat cluster (MemberImpl of org.apache.catalina.tribes)
// names its replication receiver and nothing that takes requests: no AJP port,
// no HTTP port, no jvmRoute. Resolve finds the connector, by these rules and
// in this order:
//
//  1. a member of the file, or of a watched file, whose receiver: it is, or
//     whose address the process behind the receiver listens on;
//  2. a pool's discover: mapping: a port, an offset from the receiver's port,
//     or ports to try; where the process that owns the receiver is on this
//     host, its own listening ports decide;
//  3. the port that a HeartbeatListener beacon of the same host names.
//
// Resolve is pure: everything it knows is in Inputs, the same Inputs give the
// same Result, and a Result fed back as Inputs.Prev with nothing else changed
// gives itself again, so that nothing is rebuilt. The controller probes
// Result.Candidates and calls again; a connector that has not answered in its
// own protocol never becomes a member.
//
// owner_linux.go is the one impure part: which process of this host listens on
// a port, from /proc. It finds nothing without the rights to look.
//
// What it must never do: take a member out because its heartbeats are not
// heard; let one forged datagram bring a member; tie a node to a connector by
// guessing and call it sure.
//
// What bites:
//
//   - Match.Sure is false where the connector of a node is a guess. Nobody may
//     be stopped for what such a node says; it is a reason to probe.
//   - A found member keeps its place in the order: who came first keeps a
//     contested jvmRoute (compile, routes.go).
//   - Names are made of the connector's address, so a Tomcat that restarts
//     there is the same member with the same counters, also for a Catherd that
//     has just been started. One that moves gets another name; Result.Moves says
//     so, and what was asked of it must follow.
//   - Result.Config has another digest than the file. Compare files by theirs.
package discover
