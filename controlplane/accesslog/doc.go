// Package accesslog writes one line for each request to a file or to standard
// output. It is the reader of dataplane/access.Ring, on a goroutine of its own.
//
// Where things are:
//
//	writer.go    Writer: the goroutine, batches, what is lost
//	sink.go      where lines go and how they look
//	json.go      the format json
//	combined.go  the formats combined and mod_jk
//
// The program makes one Writer, gives its Ring to the data plane, calls Set
// when the configuration has changed, Reopen on SIGUSR1 and Close at the end,
// after the data plane has ended.
//
// What it must never do: keep a request waiting. When the disk is slow the
// ring fills up, the data path drops records, and Dropped counts them.
//
// What bites:
//
//   - Lines come up to 200 ms after the request, in the order in which requests
//     ended.
//   - Long values were cut by the data path: 63 bytes of a host, 256 of a path.
//   - Everything from a client is hostile: each format escapes what could end
//     a line or a field.
//   - Nothing rotates files. Rename the file, then ask for Reopen.
package accesslog
