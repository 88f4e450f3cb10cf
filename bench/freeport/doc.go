// Package freeport finds TCP and UDP ports for the programs that benchmarks, the demo and
// tests start: a configuration has to name a port before anything listens there.
//
// To bind port 0, look, and close is not enough: the kernel hands the port to whoever
// asks next, be it another test that looks for one or a client's outgoing connection.
// Therefore a port of this package is
//
//   - below the range of outgoing connections, so that no client sits on it;
//   - claimed for as long as this process lives, by a lock on one byte of a file that all
//     processes of this user share. Nobody else who asks here gets it meanwhile, also
//     while the program is not there yet, or away for a restart.
//
// The locks are those of an open file description (fcntl(2), F_OFD_SETLK): the kernel
// drops them at the end of the process, however that comes about, and a child that is
// started does not inherit them.
//
// What it must never do: hand out a port twice in the life of a process, or leave
// anything behind that somebody has to clean up. The file itself stays and is empty.
//
// What bites: programs that do not ask here are seen only when they already listen, and
// two users do not see each other's claims.
package freeport
