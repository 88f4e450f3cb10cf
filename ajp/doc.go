// Package ajp speaks AJP/1.3, the protocol between a web server and Tomcat's AJP
// connector: bytes in, structs out, nothing else. The data plane talks through it to
// its members, health to the connectors it probes, and the pretend Tomcats of the
// tests sit on its other side; therefore every message can be read and written.
//
// # The protocol on one page
//
// A TCP connection carries one request at a time, and requests follow each other on
// it. There is no handshake, no version, no encryption, no way to cancel but closing.
// A packet is two magic bytes (12 34 to the container, "AB" back), a u16 payload
// length, and the payload; its first byte is the Type, except in a request body
// packet, which has none. Integers are big-endian. A string is a u16 length, the bytes
// and a NUL; the length ffff alone is a null string.
//
//	web server                        container
//	FORWARD_REQUEST           ->                            writer.go, request.go
//	[body packet]             ->      only content-length > 0         body.go
//	                          <-      GET_BODY_CHUNK, zero or more    chunk.go
//	body packet               ->      one for each of them            body.go
//	                          <-      SEND_HEADERS, exactly one       response.go
//	                          <-      SEND_BODY_CHUNK, zero or more   chunk.go
//	                          <-      END_RESPONSE, reuse or not      chunk.go
//	CPING                     ->      only between requests           ping.go
//	                          <-      CPONG                           ping.go
//
// packet.go finds packets in a stream, codes.go has the tables of methods, headers and
// attributes, errors.go every error, scan.go the bounds-checked cursor under all
// parsers.
//
// # What it must never do
//
// It does no I/O, keeps no time, logs nothing, and allocates nothing when the caller's
// buffers are large enough. Parsers return views of the bytes they were given: they
// are valid as long as those are. It accepts nothing that it would not want to see in
// an HTTP head, and after any error the connection is out of step and must be closed.
//
// # What bites
//
// A body packet the container did not wait for is read as a new request. Count them:
// one after a positive content-length, one per GET_BODY_CHUNK, none otherwise.
//
// A head must fit one packet, and the packet size is not negotiated. Tomcat 8.5 to 11
// send a malformed SEND_HEADERS when their own head does not fit.
//
// END_RESPONSE without reuse obliges us to close; Tomcat leaves the connection open.
//
// A CPONG proves that connector threads run, not that our secret is right.
package ajp
