// Package source finds members in places other than the configuration file and
// the cluster's own group: names in DNS, and files that are watched.
//
//	dns.go     DNS: the names of a pool's discover.dns and discover.srv, each
//	           asked again when its answer has grown old
//	query.go   one question to the resolvers of this host
//	hosts.go   the same to /etc/hosts, which comes first
//	file.go    File: a pool's discover.file
//	status.go  what both say about themselves
//
// Both are used alike: New, Run in a goroutine until its context ends, Get at
// any time. Run calls notify when Get would say something new; notify is called
// from several goroutines and must not wait.
//
// Both keep the last good answer. A resolver that does not answer, a name that
// has vanished and a file with a mistake in it change nothing but the Status.
//
// What it must never do: decide what is routed to (that is discover's), or
// probe anything.
//
// What bites:
//
//   - Resolvers are asked directly, with their TTLs, and after /etc/hosts. Of
//     nsswitch.conf only that counts: whether that file is looked at. Names of
//     mDNS, LDAP and the like are not found.
//   - Half an answer, IPv4 or IPv6 alone while the other failed, replaces that
//     half only.
//   - Of SRV records those of the lowest priority count, as RFC 2782 wants; the
//     weight of a record is not used, discover.weight is.
//   - A file that is replaced by renaming, as editors and Kubernetes do, is seen
//     because its directory is watched.
package source
