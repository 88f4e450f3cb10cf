// Package controlplane decides: it puts configuration, health, operators'
// wishes and learned routes together and publishes the result to the data
// path as one table.
//
// Where things are:
//
//	controller.go  Controller: Options, New, Start, Run
//	build.go       build, compare, publish, tell
//	hear.go        what is heard, and members that are found
//	look.go        when this host's processes are looked for
//	moves.go       what goes along with a member that moves
//	tick.go        what is read off the data path once a second
//	reload.go      a changed configuration file
//	members.go     an operator's ready, drain and stop
//	status.go      the same facts for the admin API
//	alarm.go       what the kernel sees of connections to members
//	guarding.go    what the kernel shall drop
//	view.go        what other goroutines may see
//	pulse.go       rates, and when a session was last seen
//	config/ compile/ health/ overrides/ admin/ metrics/   the parts
//	scenario/      text scenarios of the tests
//
// The program makes one Controller, calls Start, and Run until it ends:
//
//  1. New builds the first table. Nothing has happened yet.
//  2. Start publishes it, opens the listeners, and starts the probes. A
//     client is served from here on.
//  3. Run is the loop. Only its goroutine builds and publishes from now on.
//  4. Drain makes /readyz say no; Run ends with its context.
//
// What it must never do: touch a request, or wait for one. Decisions go down
// in one type, table.Table, frozen when it is published; facts come up in one
// type, meter.Member.
//
// What bites:
//
//   - A change of health is built at once, further ones within 50 ms are put
//     together, and a table that says what the last one said is not published.
//     An operator's command never waits for that.
//   - A refused reload changes nothing at all, listeners included: they are
//     opened before the table is published and closed again when one fails.
package controlplane
