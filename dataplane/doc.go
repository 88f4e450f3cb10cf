// Package dataplane carries requests: it accepts them, picks a member, moves
// the bytes and counts. It makes no decision that outlives a request, with one
// exception: it avoids a failing member for a few seconds.
//
// The life of a request, function by function:
//
//  1. frontend.(*Server).requests waits for the first bytes without holding a
//     buffer and calls proxy.(*Proxy).Serve.
//  2. Serve borrows an Exchange and loads the published table: the only load.
//  3. (*Exchange).readHead finds the end of the head and has http1 judge it.
//  4. http1.Normalize makes the path that routes are matched with; what is
//     forwarded is the path as it was sent.
//  5. (*table.Table).Match finds the route and with it the pool.
//  6. (*Exchange).identify finds out who the client is, sticky.Find which
//     session it has.
//  7. balance.Pick chooses the member: the session's own, or by policy.
//  8. upstream.(*Pool).Acquire gives a connection: an idle one that is still
//     open, a new one, or a place in the queue.
//  9. roundTripAJP or roundTripHTTP writes the request in one write and reads
//     the answer on the same goroutine; answer gathers it into few writes to the
//     client, bodies as views of the buffer they were read into.
//  10. A fault is judged by (*Exchange).again: another attempt (7), or an answer
//     of our own, or a broken connection when a part has been sent already.
//  11. (*Pool).Release takes the connection back when both sides agree that the
//     exchange is over.
//  12. meter.(*Member).Done counts; record leaves a copy for the access log.
//
// Packages: http1, sticky, balance, table, meter and ajp are pure; wire holds
// sockets, upstream connections to members, frontend connections of clients.
// Nothing here imports the control plane, logs, or knows a file format.
package dataplane
