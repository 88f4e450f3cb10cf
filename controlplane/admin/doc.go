// Package admin is the operator's side of the running balancer: status,
// events, metrics and commands as JSON over HTTP, on a loopback address and on
// a Unix socket. The command line is a client of it.
//
// Where things are:
//
//	server.go  Server: listeners, time-outs, start and stop
//	access.go  who may ask: peer, Host, token, foreign pages
//	peer.go    who asks over the Unix socket
//	api.go     the paths
//	action.go  the two POSTs: a member's state, and reload
//	upgrade.go the third: another process in the place of this one
//	status.go  the JSON of status; heard.go: its part about the cluster
//	events.go  Ring: what happened lately, in a fixed vocabulary
//	client.go  Client: the other side, for the command line
//
//	GET  /api/v1/status /api/v1/events /api/v1/config /api/v1/explain
//	GET  /healthz /readyz /metrics
//	POST /api/v1/members/{pool}/{member}/{ready|drain|stop}  {"reason": "", "for": "30m"}
//	POST /api/v1/reload
//	POST /api/v1/upgrade  {"binary": ""}; over the Unix socket only
//	POST to tribes.beacon_path: what Tomcat's HeartbeatListener says
//
// The controller implements Controller; the program makes the Server and gives
// it the controller. Everything an answer says comes from there.
//
// What it must never do: change anything on a GET, believe a forwarded
// address, show a secret, or keep a request of the data path waiting.
//
// What bites:
//
//   - A page on the internet can make a browser send requests to loopback.
//     Three things stop it: the Host allow list (a name that was rebound to
//     127.0.0.1 is still that name), http.CrossOriginProtection for POST, and
//     no answer that a foreign page may read.
//   - HeartbeatListener speaks HTTP/1.0 without Host and cannot send a token:
//     for its path the peer's address is all that is looked at, and that no
//     browser is behind it. All that a forged beacon does is lead to a probe,
//     or make a member look busy.
//   - The Unix socket has neither Host nor token: its file mode is the rule.
//     The kernel tells which user connected, and that becomes the owner of an
//     override.
package admin
