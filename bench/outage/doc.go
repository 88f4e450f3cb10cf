// Outage shows what users see while the Tomcats behind a balancer stop, die, freeze or
// are restarted one after the other. Three clustered Tomcats, one balancer in front, and
// requests that arrive at a constant rate whatever becomes of those before them.
//
//	go run ./bench/outage -schedule stop -rounds 20 -rate 500 -front catherd
//	go run ./bench/outage -schedule kill -rounds 20 -rate 500 -front mod_jk
//
// Schedules: stop (shutdown port, as catalina.sh stop does), kill (SIGKILL), both (a stop
// and a kill in every round), freeze (SIGSTOP for 2, 8 and 30 seconds), rolling (all three
// restarted in turn in every round). -discover gives Catherd no members, only the multicast group. -alone takes the
// cluster away, which shows what the front itself does to the waits of sessions.
//
// Where things are:
//
//	farm.go      three Tomcats with a group of their own
//	front.go     the balancer; conf/ has its configurations, as somebody who likes the
//	             product would write them for a cluster that loses members
//	schedule.go  what is done to the members, and when
//	arrivals.go  the open loop; mix.go what is asked for; browser.go who asks
//	wire.go      one request on one kept connection; nothing is repeated in secret
//	book.go      all that was seen; judge.go and ledger.go decide, purely
//	report.go    the text; evidence.go what the balancer's own logs say of failures
//
// For Catherd the promises of judge.go are kept or the exit status is 1. Others are only
// shown. The last line is PASS, BROKEN or SHOWN, also after an error or an interruption.
//
// What it must never do: end a process it did not start, listen outside of 127.0.0.0/8,
// or excuse a failure of one kind of request by the right of another.
//
// What bites:
//
//   - Waits count from the moment a request was due, not from when it was sent. A
//     generator that is late itself says so in the report ("sent late by").
//   - Generator, balancer and three JVMs share the machine; a JVM that starts takes a
//     core for seconds. Compare runs of one machine, and lower -rate on a small one.
//   - Clustered Tomcats that are well wait for a frozen neighbour: creating or changing a
//     session took them 3 to 8 s here, whatever stood in front of them. And a node that
//     wakes up spreads its old copies. That is the price of the reference's synchronous
//     replication; judge.go says what is therefore asked of Catherd.
//   - A count that leaps is no fault: a GET may be repeated. A count that goes back, or a
//     session that has another id, is one.
//   - The ledger is written by the application before it does anything else, and survives
//     SIGKILL. A POST in it twice was processed twice, whatever its client was told.
package main
