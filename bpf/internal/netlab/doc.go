// Package netlab makes networks for tests: network namespaces of their own with
// veth pairs between them. It speaks to the kernel by rtnetlink, so that no
// tool has to be there, and everything it made goes with the test.
//
//	netlab.go   Namespace: New, Do
//	link.go     Veth, Up, Address: what is in one
//	netlink.go  requests and their answers
//
// Only tests call it. It must never touch the namespace that the test itself
// runs in.
//
// What bites: a namespace belongs to a thread. Do runs a function on that
// thread; sockets made there stay in the namespace wherever they are used
// later, but goroutines started there are somewhere else.
package netlab
