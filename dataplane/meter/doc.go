// Package meter holds the live numbers of pools and members.
//
// The data path writes them with atomics: proxy calls Begin, Done, Fault, Good
// and Trip, upstream counts connections, balance keeps its running values here.
// Everybody may read at any time: the control plane through Read and Snapshot,
// for status, metrics and health.
//
// A Member outlives tables. It hangs on the identity of a member, so a reload
// that keeps the member keeps its numbers. Counters only rise; whoever wants a
// rate takes differences.
//
// The package must never lock, allocate in Begin, Done, Good or Observe, read a
// clock (times come in as unix nanoseconds), or decide anything: it does not know
// why a member is tripped, only until when.
//
// What bites:
//
//   - Every Begin needs exactly one Done, on every way out, or InFlight stays up
//     for ever and LeastBusy shuns the member.
//   - A snapshot is not one moment: each number is right, two of them may be a
//     request apart.
//   - The first 64 bytes of Member are what a request changes; the padding at the
//     end keeps two members off one cache line. A new field that every request
//     writes belongs into the first line, all others below.
//   - Edges of a Histogram are inclusive above (le in Prometheus).
package meter
