// Package tribes hears what Tomcats say to each other about who is there: the
// heartbeats of Tribes (McastService) and the beacons of HeartbeatListener. It
// turns them into a list of nodes, events in plain words, and findings about
// what is wrong with the cluster.
//
// Where things are:
//
//	member.go frame.go datagram.go  the bytes, both directions; no allocation
//	view.go hear.go tick.go room.go View: datagrams and the time in, nodes and events out; pure
//	node.go event.go                what a view says
//	group.go reader.go socket.go    Group: the socket, which cannot send
//	batch.go iface.go               the system calls under it
//	observer.go                     Observer: one Group and one View, and the clock
//	beacon.go beacons.go            beacons: the bytes, and a pure view of them
//	beacon_observer.go              BeaconObserver: their group and their view
//	beacon_http.go                  beacons by POST
//	findings.go findings_*.go       Findings: what a doctor would say; pure
//
// The controller runs an Observer for each configured group, asks it for its
// nodes after every event, and tells it through Keep which nodes are real. The
// health machine gets Left, WentSilent, Suspected and Reborn from it.
//
// What it must never do: send anything (a Tomcat counts whoever sends a
// heartbeat as a member, and waits for its answers), take a member out, or
// believe a datagram more than a probe. Nothing in a group is authenticated.
//
// What bites:
//
//   - A heartbeat names no AJP port and no jvmRoute. Its TCP port is that of the
//     replication receiver, which serves no requests.
//   - A node is its receiver (address and port). Its id changes with every
//     start, its address in the heartbeat may be 127.0.0.1.
//   - A planned stop is one datagram. It is believed only from the address and
//     port that the heartbeats come from; any process of that host can still
//     forge it, which is why heartbeats that go on take it back.
//   - Silence is evidence only while somebody listens: after a standstill of
//     this process, in a flood, or when everybody falls silent at once, nobody
//     in particular is to blame.
//   - What the kernel says for a membership (IGMP, MLD) is not ours and is
//     needed: without it switches keep the group away.
package tribes
