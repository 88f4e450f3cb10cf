// Package conformance holds the end-to-end tests of the data plane. Nothing
// imports it and it exports nothing: a client that speaks bytes, an engine from
// enginetest, and members that keep a ledger of what reached them.
//
// Three bodies of cases:
//
//	testdata/requests       what clients may send; run in front of an AJP member
//	                        and of an HTTP member. A case says what the client
//	                        gets on the wire and what the member sees.
//	ajpfault_cases_test.go  what a broken or hostile AJP member may answer
//	httpfault_test.go       the same for HTTP members
//
// Besides: stray_test.go (bytes on idle connections), mixed_test.go (many clients
// at once, good and bad answers) and websocket_test.go.
//
// The promises that all of them check:
//
//   - one message of a client never becomes two at the member. The ledger is
//     compared as a whole, so a request that nobody sent fails the case.
//   - an answer is complete or visibly broken. A body that ends early never
//     looks complete, and no byte of a member becomes a header it did not send.
//   - a connection on which a member misbehaved carries no further request, and
//     the requests that follow are undisturbed.
//   - every answer belongs to its request: members echo X-Request-Id.
//
// What bites: the client side reads answers by the rules of RFC 9112 as strictly
// as it can, and a case that keeps its connection is followed by one more request
// on it, so a framing that is off by a byte fails there. Cases do not wait for
// time to pass; deadlines exist so that a hang becomes a failure.
package conformance
