// Package load makes HTTP/1.1 requests as cheaply as it can and accounts for
// what they cost somebody else.
//
// Three parts, used by bench/compare:
//
//   - Generator: a closed loop. N keep-alive connections each send a request,
//     wait for the whole answer, check it, send the next. It runs on raw epoll
//     in few OS threads, because generator, proxy and backends share the cores.
//   - Idle: opens N connections, has one request answered on each and keeps
//     them, to see what a silent connection costs.
//   - Process accounting: CPU time of a process tree in nanoseconds from the
//     kernel's own clocks, memory as proportional set size.
//
// What bites:
//
//   - A closed loop says nothing about latency: a slow answer delays the next
//     question, so the worst moments are asked about least. Read requests per
//     second and CPU per request from it, no percentiles.
//   - Requests per second depend on everything that shares the machine. CPU per
//     request of the proxy alone moves far less, and is the figure to compare.
//   - An answer is right if its status and body length are as expected; the
//     body's bytes are not compared, which would cost more than the request.
//     Everything else counts as failed, and a run with failures is no result.
//   - Kernel memory (socket buffers, TCP control blocks) is in no process's set.
//
// It must never be pointed at anything but a test on this host; there is no
// pacing and no politeness in it.
package load
