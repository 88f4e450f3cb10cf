// Package metrics shows the running balancer to Prometheus. Nothing is counted
// here: at each scrape the Collector reads the meters that the data path
// writes, and the report that explains the table.
//
// Where things are: names.go has every metric with its labels and its help,
// collector.go reads and sends them.
//
// admin serves the registry that New makes at /metrics. The controller is the
// Source.
//
// What it must never do: add a label whose values clients choose (a path, a
// session id, a host), or lock anything a request waits for.
//
// What bites: a member that leaves and comes back begins at zero, which
// Prometheus takes for a restart; that is right. The sum of a histogram and
// its count are read one after the other and may differ by the requests that
// ended between the two reads.
package metrics
