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
//	route_test.go       members without traffic show their route to health requests
//	connector_test.go   secrets, connectors that are not started, remote users
//	packet_test.go      packetSize against max_packet_size
//	inject_test.go      what a client cannot make a member believe
//	bytes_test.go       paths, bodies, HEAD, 100-continue: what arrives is what was sent
//	websocket_test.go   upgrades go to the HTTP connector of an AJP member
//	undertow_test.go    the same questions to Undertow's AJP listener
//	doctor_test.go      one Tomcat with every wrong Connector element the doctor must name
//	silent_test.go      connectors that accept and say nothing: full, paused, frozen
//	herd_test.go        a cluster that is told to nobody, and a crowd that counts what fails
//	discovery_test.go   a group and no member: how soon who starts is served, planned stops
//	hosts_test.go       two hosts (network namespaces), a cable, a filter in front of one
//	multicast_test.go   heartbeats cut off, connectors cut off, nothing sent
//	forger_test.go      what strangers say in the group, forged stops
//	flood_test.go       100 000 datagrams a second
//	healthy_test.go     the reference cluster in peace: nothing is found
//
// `make test` runs it; nothing calls it. What it must never do: end a process it has not
// started, talk to anything outside 127.0.0.0/8 and namespaces of its own, or wait for
// time to pass where a state can be asked for until it is there or a deadline is over.
// Only what must not happen is given a time in which it does not; CATHERD_TEST_LONG=1
// makes those times as long as a person would.
//
// What bites:
//   - Namespaces and the filter need root, the filter also Linux 6.6. For another user
//     the tests of two hosts are skipped and say so.
//   - Whoever speaks in a real group is believed by the Tomcats, who then wait for members
//     that do not exist. The forgers' datagrams therefore never reach one.
//   - The Tomcats come out of the cache of bench/catalina; without it, Maven is needed.
//   - Each generation's farm is one JVM. Its connectors differ in one attribute each, and
//     the configuration has a pool for each question, chosen by the name of the host.
//   - A page's answer is complete before the next one is asked for, and the clustered
//     Tomcats copy a session before they complete the answer: that is why a kill between
//     two requests may not lose a count.
package realtomcat
