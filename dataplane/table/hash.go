package table

// HashString is the 64 bit hash that ties a member's name to the policy Hash.
// It is the same on every machine and in every run, so that two balancers with
// one configuration choose alike.
func HashString(s string) uint64 {
	h := uint64(fnvOffset)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return Mix(h)
}

// HashBytes is HashString for bytes.
func HashBytes(b []byte) uint64 {
	h := uint64(fnvOffset)
	for _, c := range b {
		h = (h ^ uint64(c)) * fnvPrime
	}
	return Mix(h)
}

// FNV-1a with 64 bits.
const (
	fnvOffset = 0xcbf29ce484222325
	fnvPrime  = 0x100000001b3
)

// Mix spreads the bits of a number over all of it (the finalizer of
// MurmurHash3), which FNV alone does badly for short keys.
func Mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return h
}
