// Catherd is a load balancer for Tomcat clusters. This package is the program:
// the verbs of its command line, and the wiring of one running process.
//
// Where things are:
//
//	main.go       the command tree; exit.go: which error is which exit code
//	env.go        env: everything a verb touches outside of its arguments
//	run.go        catherd run: which configuration, and what it says without one
//	serve.go      one running process: data plane, controller, admin, access log
//	life.go       signals, drain, reload: from "ready" to the exit code
//	listen.go     addresses and certificates of the configuration for the data plane
//	adminside.go  where operators connect, and where their wishes are kept
//	resources.go  descriptors and memory; notify.go: systemd; watch.go: --watch
//	logs.go       the program's own messages; banner.go: the start on a terminal
//	client.go     how the other verbs talk to a running process; table.go: columns
//	guard.go      what the kernel drops, shown and changed
//	docs/         help topics, embedded
//	dist/         what an installation needs besides the binary
//
// Each further verb has its file: check.go status.go drain.go wait.go ...
//
// Nouns look, verbs change. A verb is func(ctx, *env, args) error and prints
// facts to stdout and talk to stderr. Exit codes: 0 fine, 1 the operation
// failed, 2 usage or an invalid configuration, 3 running but unhealthy
// (status), 4 no running process at the socket.
//
// What it must never do: decide anything about requests or members. That is
// the controller's, and the other verbs ask it over the admin socket.
package main
