// Package evloop runs many connections on one thread per core: a Loop waits in
// epoll for all of its sockets and resumes whoever waits for one of them.
//
// Code that uses it is written as if it blocked. It runs in a Task, a coroutine
// that belongs to a loop: WaitRead hands the thread back to the loop and returns
// when the socket has something. A switch costs less than a tenth of a
// microsecond, waking a goroutine on another thread several of them, and that is
// the whole point: a request that would wake four goroutines wakes none.
//
// What may not happen in a task is real blocking, which would stop everybody on
// the loop. Who has to block (a queue, a name to resolve, a second goroutine that
// shares the connection) calls Task.Detach first: from there on the same code runs
// on a goroutine of its own, and the same waits are waits of that goroutine. Who has
// much to do without a wait calls Task.Yield now and then.
//
// While requests keep coming a loop waits in epoll without telling the scheduler,
// so it keeps its thread and its place in it. Garbage collection interrupts that
// wait by a signal. When nothing has come for a moment, the loop waits in the
// ordinary way and costs nothing. How many loops wait like that is bounded by their
// Places; the others let everybody else have a turn after each batch of events.
//
// # What bites
//
// Events are edge-triggered. Readiness that nobody waited for is remembered in
// the socket's gate; the end of a stream is remembered for good.
//
// A descriptor is closed by its owner, and only when no task waits for it. Events
// that were under way carry the generation of the socket they are for.
//
// A loop ends when its last task has ended. A task that waits for ever keeps it;
// whoever stops a loop sees to it that waits end (deadlines).
//
// Coroutines are iter.Pull's. A loop must not be locked to its thread: a
// coroutine may be resumed by a goroutine elsewhere.
package evloop
