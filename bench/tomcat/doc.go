// Package tomcat is a pretend Tomcat: an AJP and an HTTP listener in front of one small
// application, with sessions that carry a jvmRoute and with faults on demand. Tests and
// the demo use it where a JVM is too slow or does not misbehave on command; what a real
// Tomcat does is proven with package catalina.
//
// The application answers the paths of the web application in bench/catalina, with and
// without .jsp: counter, echo, size, status, slow, flush, ledger, upload, bighead, ignore;
// and beyond it: fault (do=close, reset, half, hang, garbage, die) and, over HTTP only,
// ws, which upgrades and sends every byte back.
//
// server.go owns listeners and connections, ajp.go the container side of AJP/1.3,
// body.go and answer.go its two directions, sessions.go the sessions, app.go and pages.go
// the application, which both protocols share as an http.Handler. Servers given the same
// Sessions behave like a cluster with a BackupManager: every node can continue every
// session and rewrites the route in the cookie.
//
// What it must never do: be served to anybody but tests; it believes everything.
//
// What bites: the body is asked for as Tomcat does it, including the question after the
// last byte, and for requests that declare no body at all. A web server must answer each
// with the empty packet.
package tomcat
