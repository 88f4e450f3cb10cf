// Package behaviour holds no code, only tests: what the data plane does when
// members break, are slow or too busy, when clients stall, when large bodies
// pass, when the table changes and when it is shut down.
//
// Each test runs a whole engine (enginetest) on loopback, between a client that
// speaks bytes and members that play a script. Where it makes no difference to
// what is expected, a test runs with AJP and with HTTP members: member_test.go
// has what the two have in common. Members keep a ledger of what reached them,
// by the request's X-Request-Id, because most rules here are about what must
// not reach a member twice.
//
// By file:
//
//	retry_test.go     which faults are repeated elsewhere, and how often
//	trip_test.go      avoiding a failing member
//	frozen_test.go    what a member owes, and giving it up
//	paused_test.go    requests that no application has seen
//	newest_test.go    attempts by the newest table; fail_on_status everywhere
//	sticky_test.go    sessions: kept, new, moved, unknown, refused, learned
//	timeout_test.go   members and clients that are too slow
//	queue_test.go     connections.max and those who wait
//	pipeline_test.go  requests that are tried inside the wait for them
//	stream_test.go    bodies of any size in both directions, early answers
//	upgrade_test.go   WebSocket tunnels
//	reload_test.go    new tables and listeners
//	drain_test.go     shutting down
//	limits_test.go    what one client may hold
//	stray_test.go     bytes nobody asked for
//	writes_test.go    few writes per answer
//	alloc_test.go     no allocation per request
//	idle_test.go      what an idle connection or tunnel takes
//	lonehead_test.go  heads of answers that nothing follows for long
//
// What bites: nothing waits for a time to pass in the hope that something has
// happened. Scripts and tests hand over through channels, or poll a counter with
// a limit that only a failure reaches. Time-outs under test are a few ticks of
// wire.Watchdog; they are asserted to fire, not when.
package behaviour
