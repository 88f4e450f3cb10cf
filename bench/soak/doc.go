// Soak keeps Catherd under load for minutes while everything around it changes: members
// are killed with SIGKILL and come back, the configuration is reloaded, clients leave in
// the middle. Every answer is checked, and so are memory, descriptors and goroutines. It
// exits with 1 when one promise was broken, with the evidence.
//
//	go run ./bench/soak -catherd bin/catherd -minutes 10 [-pretend] [-http] [-version 10.1.34]
//
// What is promised, and which file judges it:
//
//   - judge.go: every answer carries its own request's id and the body that belongs to it.
//     A GET or HEAD never fails before its first byte. What breaks afterwards breaks
//     visibly, and only when the very member that was answering was killed meanwhile. Any
//     other method may fail only when a member was killed while it was under way.
//   - ledger.go: no POST reached members twice, and one that was answered reached exactly
//     the member that signed the answer.
//   - session.go: a session's counter never goes back and never leaps, unless a kill
//     between two visits explains it.
//   - memory.go: resident memory at the end is at most 1.2 times what it was at minute 2;
//     descriptors and goroutines are back where they were before the load.
//
// run.go owns the time table. farm.go has the members, real ones of bench/catalina or
// pretend ones of bench/tomcat, front.go the Catherd process, killer.go and reloader.go
// the disturbances, worker.go and client.go the 64 connections, mix.go what they ask for.
//
// The judges are pure functions of what was seen, so the tests can show them a broken
// promise of each kind. The client is written for this: net/http repeats a GET on its own
// when a connection breaks, which would hide what is looked for here.
//
// What it must never do: excuse a failure by time alone. A kill is an interval, from
// before the signal until the kernel has collected the process; a request that began
// later has no excuse, because by then every connection of the dead member is closed.
//
// What bites: on a machine that is busy otherwise a Tomcat takes long to start. The next
// kill waits for it, so that never both members are away. Latency is printed and judged
// by nobody.
package main
