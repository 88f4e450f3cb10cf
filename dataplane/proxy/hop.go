package proxy

import (
	"bytes"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/http1"
)

// namesFields reports whether a Connection field is among fields. An AJP member
// has no connection of ours to speak of, but an application that sets the field
// names others in it all the same, and they are meant for the next hop alone
// (RFC 9110 section 7.6.1).
func namesFields(fields []ajp.HeaderField) bool {
	for i := range fields {
		if http1.Lookup(fields[i].Name) == http1.Connection {
			return true
		}
	}
	return false
}

// dropped reports whether a Connection field names f. Known fields cannot be
// taken away like that: those that concern a connection are dropped anyhow, and
// the others are meant for the client.
func dropped(fields []ajp.HeaderField, f *ajp.HeaderField) bool {
	if http1.Lookup(f.Name) != http1.Other {
		return false
	}
	for i := range fields {
		if http1.Lookup(fields[i].Name) != http1.Connection {
			continue
		}
		for name := range bytes.SplitSeq(fields[i].Value, []byte(",")) {
			if bytes.EqualFold(bytes.TrimSpace(name), f.Name) {
				return true
			}
		}
	}
	return false
}
