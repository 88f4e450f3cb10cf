// Package handoff carries what one process passes on to the one that takes over from
// it: a few messages and the listening sockets, over a Unix socket that the second
// inherits from the first.
//
//	old                              new
//	offer, sockets, what is known →
//	                                 ← ready, or refused
//	go →                                it takes connections; so does the old one
//	                                 ← serving
//	counts →                            it answers operators
//	                                 ← taken, and there is no way back
//	yours →
//	counts, as long as it drains →
//
// Links of processes that were replaced earlier, and have not ended, are passed on with
// the sockets, so that what they count reaches whoever serves.
//
// Until "taken" the old process can take everything back, because it has given nothing
// up: both have the same sockets, and so the same queues of connections. An end of the
// stream before it means that the other side has ended, and each then goes on, or ends,
// as if nothing had been.
//
// message.go has the messages and their bytes, link.go the socket. The programs on both
// ends are cmd/catherd, its files elder.go and heir.go.
//
// What it must never do: believe a length. What bites: descriptors travel with a byte of
// the stream (unix(7), SCM_RIGHTS); a plain read that swallows that byte closes them.
// They follow the message in bytes of their own, which nothing but ReadMsg reads.
package handoff
