// Package wire holds what both sides of a proxied request need from a socket:
// a connection that reads into borrowed buffers and writes vectors, deadlines
// that cost two atomic stores instead of a timer, and the buffer pools.
//
// Frontend and upstream call it. It knows no protocol.
//
// What bites:
//
//   - Deadlines are coarse: the Watchdog looks every Tick, so a time-out fires up
//     to one Tick late and never early.
//   - A Conn has one reader and one writer at a time. They may be different
//     goroutines, that is why each direction has a Deadline of its own.
//   - Vectors and closed-before-use checks need the bare TCP socket. Any other
//     net.Conn (TLS) works, with copies and without the check.
package wire
