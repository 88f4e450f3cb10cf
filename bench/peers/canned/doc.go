// Package canned is the cheapest container a proxy can be measured against: it
// knows one answer and sends it to everybody.
//
// It speaks AJP/1.3 or HTTP/1.1 on one OS thread per server with a raw epoll
// loop: one read per request, one write per answer, no goroutine per
// connection, no allocation per request. Its cost must disappear beside that
// of the proxy in front of it, because both share the machine's cores.
//
// bench/compare starts two of them (tomcat1, tomcat2) for each protocol. The
// answer carries Content-Type and Content-Length and a body of the size asked
// for. In AJP it has the shape a Tomcat gives it: one SEND_HEADERS, body chunks
// of at most packetSize-8 bytes, one END_RESPONSE with reuse set; unlike a
// Tomcat, which writes each packet apart, all of it leaves in one write.
//
// Request bodies are read and thrown away: over AJP the announced first packet
// and then as many GET_BODY_CHUNK rounds as the content length needs, over
// HTTP as many bytes as the content length says. Chunked request bodies are
// not understood and close the connection, for the load generator sends none.
//
// It must never be used to show that a proxy is right: it does not check what
// it is sent beyond what it needs to find the end of a request. Pretend Tomcats
// with sessions and faults are another package.
//
// Linux only, like the measurement itself.
package canned
