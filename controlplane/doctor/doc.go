// Package doctor examines one connector of a Tomcat from outside and says what
// is wrong with it in the words of its server.xml. `catherd probe` and
// `catherd check --probe` call it; nothing that runs all the time does.
//
// Where things are:
//
//	subject.go   Subject: what is examined and what we would ask of it
//	report.go    Report, Step and Finding, and how they read
//	examine.go   Examine: the order of the questions
//	reach.go     connecting, and where else the port answers
//	ping.go      CPING: answered, late, silent, or answered by something else
//	sniff.go     what a port that does not speak our protocol speaks (pure)
//	request.go   the AJP request and its whole answer
//	ask.go       which requests tell secret, attribute, host and size apart
//	web.go       the same for HTTP and HTTPS
//	crowd.go     how many connections and requests are served at a time
//	idle.go      how long an unused connection is kept
//	signs.go     what the questions brought to light
//	diagnose.go  from signs to findings (pure); words*.go the texts
//
// A Tomcat that is well is asked for about a dozen answers and watched for the
// rest of three seconds. One examination takes at most five seconds unless
// Subject.Deep is set or a time-out alone is longer. Behind TLS only handshake
// and answer are examined, limits and idle times are not.
//
// What it must never do: send a request with a body, follow a redirect, hold
// more than eight connections without Deep, print the secret, or claim what it
// has not seen: tomcatAuthentication, for one, cannot be seen from outside.
//
// What bites:
//
//   - A connector that did not start keeps its port bound. Each connection to
//     it stays in its accept queue, also after we closed it; after acceptCount
//   - 1 of them connects time out. So a silent port is asked once.
//   - A wrong secret and a forbidden request attribute are answered with the
//     same bytes. Only a request without attributes tells them apart, and a
//     403 of the application ends with reuse 1 where the connector's ends with
//     reuse 0.
//   - Not started, paused, stopped, full and frozen look alike to a newcomer.
//     The finding names all of them, the likeliest first.
//   - On Tomcat 7.0 with the blocking connector an idle connection holds a
//     thread. Nothing is therefore kept open while something else is asked.
package doctor
