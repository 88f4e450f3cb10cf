// Package realtomcat holds the tests of the whole program in front of real Tomcats:
// `catherd run` as a process of its own, every generation the reference cluster has
// lived through behind it, and a client that only knows HTTP. It has no code but tests.
//
// Where things are:
//
//	main_test.go        builds the program once
//	balancer_test.go    one running catherd: start, status, log, access log, stop
//	client_test.go      the client: pages as maps, cookies, raw connections
//	farm_test.go        one Tomcat with an AJP connector for each attribute to be tried
//	generations_test.go two clustered Tomcats: sticky, kill -9, takeover, return
//	short_test.go       the five-line configuration and its learned routes
//	connector_test.go   secrets, connectors that are not started, remote users
//	packet_test.go      packetSize against max_packet_size
//	inject_test.go      what a client cannot make a member believe
//	bytes_test.go       paths, bodies, HEAD, 100-continue: what arrives is what was sent
//	websocket_test.go   upgrades go to the HTTP connector of an AJP member
//	undertow_test.go    the same questions to Undertow's AJP listener
//	doctor_test.go      one Tomcat with every wrong Connector element the doctor must name
//	silent_test.go      connectors that accept and say nothing: full, paused, frozen
//
// `make test` runs it; nothing calls it. What it must never do: end a process it has not
// started, talk to anything outside 127.0.0.0/8, or wait for time to pass. Where a state
// needs time to come about, a test asks for it until it is there or a deadline is over.
//
// What bites:
//   - The Tomcats come out of the cache of bench/catalina; without it, Maven is needed.
//   - Each generation's farm is one JVM. Its connectors differ in one attribute each, and
//     the configuration has a pool for each question, chosen by the name of the host.
//   - A page's answer is complete before the next one is asked for, and the clustered
//     Tomcats copy a session before they complete the answer: that is why a kill between
//     two requests may not lose a count.
package realtomcat
