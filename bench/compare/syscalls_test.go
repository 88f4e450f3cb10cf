package main

import "testing"

func TestSyscallCounts(t *testing.T) {
	const table = `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.10    1.500000           7       200           sendto
 39.90    0.500000           2       250        50 recvfrom
  0.00    0.000001           1         1           getpid
------ ----------- ----------- --------- --------- ----------------
100.00    2.000001           4       451        50 total
`
	const want = "    4.51  recvfrom 2.50 (0.50), sendto 2.00"
	if got := perRequest(parseCounts([]byte(table)), 100); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if all := parseCounts([]byte("strace: Process 12 attached\n")); len(all) != 0 {
		t.Errorf("noise read as %v", all)
	}
}
