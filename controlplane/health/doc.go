// Package health judges whether a member can serve. It asks each member on
// its own connection (CPING for AJP, a connect for HTTP, and a real request
// over the same protocol where the configuration names one) and turns the
// answers into a Verdict.
//
// Where things are:
//
//	machine.go  Machine: samples and trips in, verdict out; no clock, no socket
//	verdict.go  Verdict and how it reads in words
//	runner.go   Runner: one goroutine a member, started and stopped by Set
//	probe.go    NetProber: connect, then what the scheme allows
//	cping.go    the AJP side: ping and request, and the two kinds of 403
//	http.go     the HTTP side
//	words.go    network faults in an operator's words
//
// The controller calls Runner.Set after each accepted configuration, and
// Runner.Trip when the data path has begun to avoid a member. It reads
// Runner.Verdicts when it builds a table. Nobody else is told anything.
//
// What it must never do: use a connection of the data path (a stuck pool must
// not hide a well member, nor the other way round), follow redirects, hold an
// answer's body, or let one slow member delay the probe of another.
//
// What bites:
//
//   - A CPING proves that a connector thread is free. It does not prove the
//     secret: the ping is answered before attributes are read. Only a request
//     does.
//   - A Tomcat whose connector did not start still accepts connections and
//     keeps every one of them in its accept queue, so a member that is down is
//     probed at the plain interval and never faster.
//   - A member without a verdict is usable. A balancer that has just started
//     must serve the first request; the first failed probe takes it out at
//     once, without waiting for down_after.
package health
