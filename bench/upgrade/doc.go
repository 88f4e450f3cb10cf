// Upgrade shows that clients do not notice when Catherd is replaced while it works: it
// has the process replaced again and again under load, and counts what goes wrong.
//
//	go run ./bench/upgrade -catherd bin/catherd -upgrades 20
//
// The load, all at the same time: keep-alive clients that never rest (bench/load), new
// connections at a constant rate, clients that pause for longer and shorter than a
// request takes, one WebSocket and one slow download, which last from the first upgrade
// to after the last one. At the end one upgrade goes to a program that crashes at its
// start: it must be refused, and nobody may notice that either.
//
// Where things are: run.go owns the time table, front.go the processes, short.go the
// clients that come and go, long.go those that stay, watch.go the metrics, judge.go the
// verdict.
//
// What it must never do: repeat a request in secret. Every client is written for this or
// is bench/load; net/http would hide a lost connection by asking again.
//
// What bites: each process that was replaced lives until its last client has gone, here
// the WebSocket and the download for the first one. The processes are adopted by this one
// (PR_SET_CHILD_SUBREAPER) and are waited for at the end.
package main
