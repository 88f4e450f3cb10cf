package main

import (
	"fmt"
	"maps"
	"slices"
)

// audit compares the ledgers of all members with the POSTs that were sent. It returns a
// sentence for each that was processed twice, or by nobody although it was answered, and
// how many were processed although their clients were told of a failure, which is
// nobody's fault.
func audit(sent map[string]bool, results []result, ledgers map[string][]string) (bad []string, untold int) {
	seen := make(map[string]string) // by id: who processed it first
	for _, member := range slices.Sorted(maps.Keys(ledgers)) {
		for _, id := range ledgers[member] {
			before, twice := seen[id]
			switch {
			case !sent[id]:
				bad = append(bad, fmt.Sprintf("%s has processed a POST nobody sent: %q", member, id))
			case twice:
				bad = append(bad, fmt.Sprintf("POST %s was processed by %s and by %s", id, before, member))
			default:
				seen[id] = member
			}
		}
	}
	for i := range results {
		r := &results[i]
		if r.kind != post {
			continue
		}
		_, processed := seen[r.id]
		switch {
		case r.fault == "" && !processed:
			bad = append(bad, fmt.Sprintf("POST %s was answered by %s and is in no ledger", r.id, r.node))
		case r.fault != "" && processed:
			untold++
		}
	}
	return bad, untold
}
