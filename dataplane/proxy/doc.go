// Package proxy takes one request from a client connection to a member and the
// answer back. It decides nothing that outlives the request; what it learns it
// counts in meter.
//
// The way of a request, by file:
//
//	exchange.go  one request's state, borrowed from a pool; reads the head
//	handle.go    table, route, session, choice of member, attempts
//	retry.go     which fault may be answered by another attempt
//	abandon.go   what members owe, and giving one up
//	paused.go    answers that prove that no application has seen the request
//	ajp.go       FORWARD_REQUEST out;  ajp_answer.go  the answer's packets in
//	http1.go     request head out;     http1_answer.go  the answer in
//	body.go      the client's body;    pump.go  streaming it while the answer comes
//	answer.go    the answer to the client, gathered into few writes
//	refuse.go    answers of our own;   upgrade.go  WebSocket tunnels
//	forwarded.go who the client really is, and what members are told about it
//
// Rules: the table is loaded once per attempt (exchange.go, retry.go). Bytes of a body are
// views of the buffer they were read into and leave from there. After the first
// byte of an answer has gone to the client, the only reaction to a fault is to
// break the client's connection: an answer is complete or visibly broken.
//
// frontend calls Serve for every request of a connection. Nothing here logs,
// locks or formats in the good case.
package proxy
