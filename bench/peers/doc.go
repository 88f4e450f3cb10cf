// Package peers starts the proxies Catherd is measured beside, and Catherd
// itself, each by hand on a free loopback port with a private directory.
//
// Known kinds: catherd-ajp, catherd-http, haproxy, haproxy-large, mod_jk,
// mod_proxy_ajp, nginx.
// Their configurations are the templates in conf/, written as somebody who knows
// and likes the product would: a thread or worker per core, keep-alive on both
// sides without a limit on requests, enough upstream connections that nobody
// waits, no access log. Sessions are followed by the suffix of JSESSIONID unless
// that is switched off for all of them at once.
//
// bench/compare calls Find, then Missing (what has to be installed, by name),
// then Start and Stop. Start returns when the first request was served.
//
// What it must never do: touch a service of the system, read or write outside
// its own directory, or signal a process it did not start. Stop asks the process
// it started to end and, after a grace, kills its process group.
//
// What bites:
//
//   - A port is found by binding to 0 and closing again. Somebody else may take
//     it in between; Start then fails and is simply called again by a person.
//   - httpd and nginx started as root run their workers as www-data, so the
//     private directory is readable for all.
//   - HAProxy wants two descriptors per connection and refuses to start when the
//     hard limit does not allow it; MaxConn is therefore computed from the limit.
package peers

import "embed"

//go:embed conf
var conf embed.FS
