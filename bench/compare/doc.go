// Command compare measures what a request costs in Catherd and in the proxies it
// replaces, side by side in one run.
//
//	go run ./bench/compare -catherd bin/catherd -rounds 5 -seconds 3
//
// Every party gets the same request, the same load and the same canned members.
// In each round every party is measured once; the order is rotated from round to
// round, so that whatever drifts on the machine hits all of them. "direct" is
// the generator on a canned HTTP member with no proxy between: it shows how much
// of the machine generator and members leave over.
//
// The figure of merit is CPU time of the proxy's processes, user and system, for
// each good answer. It includes the kernel's share of loopback TCP.
//
// Other modes: -size 1048576 adds CPU per MiB; -idle N the memory of N silent
// connections and the CPU of idling; -start the time from start to the first
// good answer; -syscalls the system calls for each request, under strace.
//
// For the run the kernel's TCP congestion control is set to cubic, which needs
// root, and put back afterwards, also after Ctrl-C, but not after kill -9.
//
// Proxies are started by bench/peers and stopped at the end. One that is not
// installed is named in the result. See bench/README.md for what the numbers do
// not show.
package main
