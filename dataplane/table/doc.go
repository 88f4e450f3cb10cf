// Package table holds what a request needs to know: routes, pools and members
// in one Table, frozen when it is published.
//
// The control plane builds a Table, calls Seal once and publishes it. The data
// path loads one pointer for each request and then uses Match, ByRoute and the
// fields. A change is a new Table; what must outlive one - the counters - hangs
// on the Live pointers and is handed from table to table.
//
// It must never lock, allocate on Match or ByRoute, read a clock, or import
// anything but dataplane/meter. Nothing may write to a sealed table: requests
// read it without any protection.
//
// What bites:
//
//   - A Table that was not sealed matches nothing and knows no jvmRoute.
//   - Match wants the path of dataplane/http1.Normalize. On a raw path a client
//     could walk around Unmount with "/./", "//" or ";x=".
//   - A prefix ends on the border of a segment: "/shop/" takes "/shop" and
//     "/shop/x", never "/shopping". An Unmount pattern does so too.
//   - A route that gives a path away by Unmount does not end the search. The
//     next best route takes the path, and that may belong to a wider host.
//   - Members is a slice of values, and everybody keeps pointers into it. It is
//     not to be sorted or grown after Seal.
package table
