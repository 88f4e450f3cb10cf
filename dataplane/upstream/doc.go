// Package upstream owns the connections to the members: one Pool per member,
// dialling, reuse, the bound on connections and the queue in front of it.
//
// proxy borrows a connection with Acquire and gives it back with Release; the
// engine calls Pools.Apply with every new table. A Pool survives tables as long
// as its member does, so a reload keeps every warm connection.
//
// The way of a request through a pool that is not full takes no lock: a counter
// gives the permit, a tagged stack gives the connection. Locks guard what is
// rare: dialling, closing, waiting in the queue.
//
// Beside each connection stands what its member owes on it (wait.go): the
// control plane reads it through Owed, and takes requests away through Abandon.
//
// Invariant: a connection exists for a permit (in use) or for a place in the
// stack (idle), and one is dialled only by the holder of a permit that found
// the stack empty; therefore open connections never exceed Conns.Max.
//
// The keeper looks at idle connections under permits, too (ping.go). A request that
// finds none because of that waits, even where no queue is allowed: it would have
// been served at once without the look.
package upstream
