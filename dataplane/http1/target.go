package http1

import "bytes"

// Stand-ins for a path that an absolute form leaves out.
var (
	rootPath = []byte("/")[:1:1]
	starPath = []byte("*")[:1:1]
)

// parseLine reads the request line (RFC 9112 section 3): single spaces, no
// leniency, since every leniency is a second reading of the same bytes.
func (r *Request) parseLine(line []byte) Reject {
	i := 0
	for i < len(line) && class[line[i]]&cToken != 0 {
		i++
	}
	switch {
	case len(line) == 0:
		return refuse("empty request line")
	case i == len(line):
		return refuse("request line without a target")
	case i == 0 || line[i] != ' ':
		return refuse("bad method")
	case i > MaxMethod:
		return refuse("method too long")
	}
	r.Method = line[:i:i]

	rest := line[i+1:]
	t := 0
	for t < len(rest) && class[rest[t]]&cTarget != 0 {
		t++
	}
	switch {
	case t == len(rest):
		return refuse("request line without a version")
	case rest[t] == '#':
		return refuse("fragment in the target")
	case rest[t] != ' ':
		return refuse("bad byte in the target")
	case t == 0:
		return refuse("empty target")
	}
	r.Target = rest[:t:t]

	minor, why := parseVersion(rest[t+1:])
	if why == whyOldVersion {
		return Reject{Status: 505, Reason: why}
	} else if why != "" {
		return refuse(why)
	}
	r.Minor = minor
	return r.parseTarget()
}

// parseVersion reads HTTP-version (RFC 9112 section 2.3), which is case-sensitive.
func parseVersion(v []byte) (minor uint8, why string) {
	if len(v) != 8 || string(v[:5]) != "HTTP/" || v[6] != '.' ||
		class[v[5]]&cDigit == 0 || class[v[7]]&cDigit == 0 {
		return 0, whyVersion
	}
	if v[5] != '1' || v[7] > '1' {
		return 0, whyOldVersion
	}
	return v[7] - '0', ""
}

// parseTarget takes the target apart by its form (RFC 9112 section 3.2).
func (r *Request) parseTarget() Reject {
	options := false
	switch string(r.Method) {
	case "GET", "HEAD", "TRACE":
		r.MethodSafe = true
	case "OPTIONS":
		r.MethodSafe, options = true, true
	case "CONNECT":
		return Reject{Status: 501, Reason: "connect method"}
	}
	path := r.Target
	switch {
	case path[0] == '/':
	case len(path) == 1 && path[0] == '*':
		if !options {
			return refuse("asterisk target without options")
		}
	default:
		n := schemeLen(path)
		if n == 0 {
			return refuse("target neither a path nor an http address")
		}
		path = path[n:]
		end := bytes.IndexAny(path, "/?")
		if end < 0 {
			end = len(path)
		}
		if r.Host = path[:end:end]; !validAuthority(r.Host) {
			return refuse("bad authority in the target")
		}
		path = path[end:]
	}
	if q := bytes.IndexByte(path, '?'); q >= 0 {
		path, r.Query = path[:q:q], path[q+1:]
	}
	if len(path) == 0 {
		if path = rootPath; options && r.Query == nil {
			path = starPath
		}
	}
	r.Path = path
	return Reject{}
}

// schemeLen returns the length of "http://" or "https://" at the start of t, 0
// for anything else.
func schemeLen(t []byte) int {
	if len(t) >= 7 && foldEqual(t[:7], "http://") {
		return 7
	}
	if len(t) >= 8 && foldEqual(t[:8], "https://") {
		return 8
	}
	return 0
}

// secureTarget reports whether the target is an https address.
func (r *Request) secureTarget() bool { return schemeLen(r.Target) == 8 }
