// Catherd is a load balancer for Tomcat clusters. This package is the program:
// the verbs of its command line, and the wiring of one running process.
//
// Where things are:
//
//	main.go     the command tree, and which error is which exit code
//	env.go      env: everything a verb touches outside of its arguments
//	run.go      catherd run: which configuration, and the three doors without one
//	serve.go    one running process: data plane, controller, admin, access log
//	life.go     signals, drain, reload: from "ready" to the exit code
//	listen.go   addresses and certificates of the configuration for the data plane
//	logs.go     the program's own messages
//	banner.go   what a terminal shows at the start
//	client.go   how the other verbs talk to a running process
//	one file for each further verb: check.go status.go drain.go ...
//	docs/       help topics, embedded
//	dist/       what an installation needs besides the binary
//
// Nouns look, verbs change. A verb is func(ctx, *env, args) error and prints
// facts to stdout and talk to stderr. Exit codes: 0 fine, 1 the operation
// failed, 2 usage or an invalid configuration, 3 running but unhealthy
// (status), 4 no running process at the socket.
//
// What it must never do: decide anything about requests or members. That is
// the controller's, and the other verbs ask it over the admin socket.
package main
