package balance

// Tried is the set of members that a request was given to already, by their
// positions in the pool. The zero value is empty. It belongs to one request at
// a time and is reused after Reset.
type Tried struct {
	bits [4]uint64
	more []int32 // positions from 256 on; attempts are few, so it stays short
	n    int
}

// Add puts the member at position i, see table.Pool.Index, into the set.
func (t *Tried) Add(i int) {
	if i < 0 || t.Has(i) {
		return
	}
	t.n++
	if i < 64*len(t.bits) {
		t.bits[i>>6] |= 1 << (i & 63)
		return
	}
	t.more = append(t.more, int32(i))
}

// Has says whether the member at position i is in the set. A nil set is empty.
func (t *Tried) Has(i int) bool {
	if t == nil || i < 0 {
		return false
	}
	if i < 64*len(t.bits) {
		return t.bits[i>>6]&(1<<(i&63)) != 0
	}
	for _, k := range t.more {
		if int(k) == i {
			return true
		}
	}
	return false
}

// Len is the number of members in the set.
func (t *Tried) Len() int {
	if t == nil {
		return 0
	}
	return t.n
}

// Reset empties the set and keeps its memory.
func (t *Tried) Reset() {
	t.bits = [4]uint64{}
	t.more = t.more[:0]
	t.n = 0
}
