// Package cluster is the controller's ears: it runs everything that listens and
// asks around on behalf of discovery, and keeps the newest of each.
//
// Set makes it listen to what a configuration names: multicast groups and
// beacons, DNS names, member files. Inputs is what discover.Resolve is to look
// at now; Ask probes the connectors that Resolve is not sure about. Whenever
// something is new, notify is called, from any goroutine; it must not block.
//
// It decides nothing: what a heartbeat means is for discover and health.
// Nothing it opens for a group can send.
//
// Asking is bounded: at most 16 connectors at a time, each again after a pause
// that grows while nothing changes. A Tomcat announces itself about a second
// before its connectors listen, so the first pauses are short.
package cluster
