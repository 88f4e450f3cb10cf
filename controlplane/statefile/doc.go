// Package statefile keeps small files of the process's own from one run to the
// next: what it must not forget (overrides, rules of the guard) and what it would
// rather not learn again (jvmRoutes).
//
// Read and Replace move the bytes, Parse and Append give them their form, which has
// a version, and Beside says where. The packages overrides, guard and learned call
// them; what stands in a file and its bounds are theirs.
//
// What it must never do: leave half a file behind, or read more than it was told.
//
// What bites: a file is replaced by renaming, so it gets another inode each time,
// and a folder that cannot be written is an error although the file can.
package statefile
