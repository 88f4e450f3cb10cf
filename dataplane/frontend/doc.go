// Package frontend accepts connections from clients and runs them: one listener
// per core and address, in one SO_REUSEPORT group, in front of a fasthttp
// server.
//
// Where there are event loops (dataplane/evloop), each has one of the listeners and
// serves what it accepts, without fasthttp; see onloop.go. Listeners with TLS are
// always served by goroutines.
//
// fasthttp does what a server around HTTP does well: the accept loop, the pool
// of worker goroutines and the end of both at shutdown. The connection itself is
// served through its NextProto hook by Server.serve, because a balancer needs what fasthttp's request loop does not
// give: answers written from the member's buffer, interim answers passed on,
// answers that overtake an upload, idle connections without a read buffer, and
// one strict look at the bytes that were sent (dataplane/http1) instead of a
// second look at parsed ones.
//
// Which of the listeners gets a connection is the kernel's choice: by its hash, or by what
// a Steering has put there. Acceptors tell their Load what they take and what ends, and
// loops since when they have been at work; see steer.go.
//
// Listeners are made without MPTCP, which Go would use by default: a reuseport
// group of MPTCP sockets cannot be steered, and each connection would cost more.
package frontend
