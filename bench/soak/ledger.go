package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// posts remembers every POST that was sent and who answered it.
type posts struct {
	mu   sync.Mutex        // guards sent
	sent map[string]string // by id: the member that signed the answer, "" for none
}

func newPosts() *posts { return &posts{sent: make(map[string]string)} }

// sending notes a POST before its first byte leaves.
func (p *posts) sending(id string) {
	p.mu.Lock()
	p.sent[id] = ""
	p.mu.Unlock()
}

// answered notes who answered it.
func (p *posts) answered(id, member string) {
	p.mu.Lock()
	p.sent[id] = member
	p.mu.Unlock()
}

// copy is a snapshot.
func (p *posts) copy() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.sent)
}

// audit compares the ledgers of all members, over all their lives, with what was sent.
// It returns a sentence for each broken promise. Read the ledgers before sent is copied:
// an entry then always has its sender. With final, a POST that was answered has to be in
// the ledger of the member that signed; before the end, answers overtake the reading.
func audit(sent map[string]string, ledgers map[string][]string, final bool) (bad []string) {
	seen := make(map[string]string, len(sent)) // by id: who processed it first
	for _, member := range slices.Sorted(maps.Keys(ledgers)) {
		for _, id := range ledgers[member] {
			signer, known := sent[id]
			before, twice := seen[id]
			switch {
			case !known:
				bad = append(bad, fmt.Sprintf("%s has processed a POST nobody sent: %q", member, id))
			case twice:
				bad = append(bad, fmt.Sprintf("POST %q reached %s and %s", id, before, member))
			case signer != "" && signer != member:
				bad = append(bad, fmt.Sprintf("POST %q reached %s, the answer is signed by %s", id, member, signer))
			}
			if !twice {
				seen[id] = member
			}
		}
	}
	if final {
		for _, id := range slices.Sorted(maps.Keys(sent)) {
			if signer := sent[id]; signer != "" && seen[id] == "" {
				bad = append(bad, fmt.Sprintf("POST %q was answered by %s and is in no ledger", id, signer))
			}
		}
	}
	return bad
}
