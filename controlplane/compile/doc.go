// Package compile turns what is known (configuration, health, operators'
// wishes, learned routes) into what the data path works by: one table.Table.
// It is pure: no clock, no socket, no file, and the same inputs give the same
// table.
//
// Where things are:
//
//	inputs.go    Inputs, and Build, which puts the table together
//	judge.go     three owners' opinions about a member folded into one Take
//	panic.go     who serves when nobody, or too few, are well
//	report.go    Report: the same facts in words, for status
//	routes.go    learned jvmRoutes, and what happens when two are the same
//	pool.go      a pool of the configuration as the data path needs it
//	listeners.go which addresses are to be listened on
//	targets.go   whom health is to watch, and how
//	equal.go     whether a table says anything that another does not
//	diff.go      what changed between two configurations
//	explain.go   where one request would go, and why
//
// The controller calls Build for every change and Judge whenever somebody
// asks for status; `catherd check` and `catherd explain` call it without one.
//
// What it must never do: keep anything between calls, or change prev. The
// only things shared between two tables are the Live pointers, which belong
// to the data path.
//
// What bites: a member's identity is pool, name and address together. A
// member that moves to another address is a new member with empty counters,
// because its connections and its health are another machine's.
package compile
