// Package steering has the kernel send new connections to the listener that is least
// busy (bpf/steer), for every address that is served by several of them.
//
//	plan.go     Plan: what the file wants
//	steering.go Steering: all addresses; frontend.Steering
//	address.go  one address: off, waiting, or steered; frontend.Steered
//	status.go   what became of each
//	kernel.go   the same as a line of `catherd kernel`, status and metrics
//
// The program's main part gives a Steering to the engine before it opens addresses, a
// Plan with every configuration, and calls the engine's Steer about once a second. The
// acceptors of the data plane write to the loads in memory that the kernel reads.
//
// It must never keep an address from being served: where the kernel does not let it,
// the kernel's own hash chooses, and one line of the log says why and what helps. Only
// "require" makes that a mistake.
//
// What bites:
//
//   - Listeners that came from another process stand in its generation until it has
//     let go of them. Our program is attached at once, which leaves the choice to the
//     kernel, and the listeners are added when it can be.
//   - Close must not take the program off: another process may serve the same sockets
//     by now, under a program of its own.
//   - A refusal is not tried again before the plan changes: permissions do not come
//     back, and each trial costs milliseconds.
package steering
