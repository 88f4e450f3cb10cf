// Package health judges whether a member can serve. It asks each member on
// its own connection (CPING for AJP, a connect for HTTP, and a real request
// over the same protocol where the configuration names one), is told what
// others have learned (heartbeats, faults of requests, a stop that was
// announced), and folds all of it into one Verdict.
//
// Where things are:
//
//	machine.go   Machine: samples, trips and events in, verdict out; no clock, no socket
//	decide.go    the only place where a state changes, and the pace of probes
//	event.go     what can be told about a member, and what is noted of it
//	kernel.go    what the kernel has seen of connections, and whose it was
//	falls.go     members that come and go
//	settings.go  Settings, and every number that is not in them
//	sample.go    the result of a probe, the kinds of failure, trips
//	verdict.go   Verdict and State
//	why.go       how a verdict reads in words
//	runner.go    Runner: Set, Trip, Tell, Verdicts
//	watcher.go   one goroutine a member, and its probe beside it
//	carry.go     what one process passes on to the next, and how that one resumes
//	probe.go     NetProber: connect, then what the scheme allows
//	cping.go     the AJP side: ping and request, and the two kinds of 403
//	http.go      the HTTP side
//	body.go      what the answer to a health request must have in it
//	session.go   the session of a health request, and the jvmRoute it shows
//	words.go     network faults in an operator's words, and what they prove
//
// The controller calls Runner.Set after each accepted configuration, and
// Runner.Trip and Runner.Tell for what it learns. It reads Runner.Verdicts
// when it builds a table. Nobody else is told anything.
//
// What it must never do: take a member out because of silence or hearsay
// alone, use a connection of the data path (a stuck pool must not hide a well
// member, nor the other way round), follow redirects, hold more of an
// answer's body than is looked at, or let one slow member delay the probe of another.
//
// What bites:
//
//   - A CPING proves that a connector thread is free. It does not prove the
//     secret: the ping is answered before attributes are read. Only a request
//     does.
//   - A Tomcat whose connector did not start still accepts connections and
//     keeps every one of them in its accept queue (100 by default), and so
//     does a frozen one. That is why the wait before the next probe doubles,
//     and why the quick pace for frozen members ends.
//   - A connect proves nothing about a frozen process: the kernel accepts for
//     it. Quick probes over HTTP send OPTIONS *.
//   - A member of the file without a verdict is usable: a balancer that has
//     just started must serve the first request. One that was found, or whose
//     JVM is new, is not (Verdict.Hold).
//   - A sample that was begun before a stop, a restart or a question says
//     nothing about what came after: Machine.Worthless.
package health
