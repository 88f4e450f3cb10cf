package http1

import (
	"bytes"
	"math"
)

// parseLength reads a Content-Length value: decimal digits and nothing else
// (RFC 9110 section 8.6), at most 19 of them so that the sum cannot wrap.
func parseLength(v []byte) (n int64, why string) {
	if len(v) == 0 {
		return 0, whyLength
	}
	var sum uint64
	for i, c := range v {
		if class[c]&cDigit == 0 {
			return 0, whyLength
		}
		if i == 19 {
			return 0, whyLengthBig
		}
		sum = sum*10 + uint64(c-'0')
	}
	if sum > math.MaxInt64 {
		return 0, whyLengthBig
	}
	return int64(sum), ""
}

// nextElement cuts the first element off a comma-separated list (RFC 9110
// section 5.6.1) and trims it; an empty element comes out empty.
func nextElement(list []byte) (element, rest []byte) {
	if i := bytes.IndexByte(list, ','); i >= 0 {
		element, rest = list[:i], list[i+1:]
	} else {
		element = list
	}
	for len(element) > 0 && (element[0] == ' ' || element[0] == '\t') {
		element = element[1:]
	}
	for len(element) > 0 && (element[len(element)-1] == ' ' || element[len(element)-1] == '\t') {
		element = element[:len(element)-1]
	}
	return element, rest
}

// hasWebSocket reports whether an Upgrade value offers websocket (RFC 6455
// section 4.1), alone or among others.
func hasWebSocket(v []byte) bool {
	for len(v) > 0 {
		var e []byte
		if e, v = nextElement(v); foldEqual(e, "websocket") {
			return true
		}
	}
	return false
}

// options is what the Connection fields of a message ask for.
type options struct {
	close, keepAlive, upgrade bool
}

// connection reads every Connection field, and marks with Drop the fields that
// they name, but those in kept.
func connection(fields []Field) (o options, why string) {
	named := 0
	for i := range fields {
		if fields[i].ID != Connection {
			continue
		}
		for list := fields[i].Value; len(list) > 0; {
			var e []byte
			e, list = nextElement(list)
			switch {
			case len(e) == 0:
			case foldEqual(e, "close"):
				o.close = true
			case foldEqual(e, "keep-alive"):
				o.keepAlive = true
			case foldEqual(e, "upgrade"):
				o.upgrade = true
			default:
				if named++; named > maxOptions {
					return o, whyOptions
				}
				dropNamed(fields, e)
			}
		}
	}
	return o, ""
}

func dropNamed(fields []Field, name []byte) {
	id := Lookup(name)
	if kept[id] {
		return
	}
	for i := range fields {
		f := &fields[i]
		if f.ID == id && (id != Other || sameName(f.Name, name)) {
			f.Drop = true
		}
	}
}

// sameName compares two field names without regard to case.
func sameName(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if lower[a[i]] != lower[b[i]] {
			return false
		}
	}
	return true
}

// dropIDs marks every field of one name with Drop.
func dropIDs(fields []Field, id ID) {
	for i := range fields {
		if fields[i].ID == id {
			fields[i].Drop = true
		}
	}
}
