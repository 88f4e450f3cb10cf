package http1

const whyTrailerBig = "trailer section too large"

// Trailer returns the trailer section as sent, without its blank line:
// complete field lines that were checked like those of a head. It is nil when
// there were none. It is a view of the bytes given to the call of Next that
// said done, so it must be used or copied before those are overwritten. Pass on
// what NextTrailer or WalkTrailer yields, not these bytes.
func (d *Chunked) Trailer() []byte { return d.trailer }

// readTrailer reads the trailer section at the start of b. used is 0 when its
// end has not come yet.
func (d *Chunked) readTrailer(b []byte) (used int, why string) {
	if len(b) == 0 {
		return 0, ""
	}
	if b[0] == '\n' {
		return 0, whyBareLF
	}
	if b[0] == '\r' {
		switch {
		case len(b) == 1:
			return 0, ""
		case b[1] != '\n':
			return 0, whyBareCR
		}
		return 2, ""
	}
	end := HeadEnd(b, d.seen)
	if d.seen = len(b); end > MaxTrailer || end == 0 && len(b) >= MaxTrailer {
		return 0, whyTrailerBig
	}
	if end == 0 {
		return 0, ""
	}
	section := b[:end:end]
	if string(section[max(end-4, 0):]) != "\r\n\r\n" {
		return 0, whyBareLF
	}
	var f Field
	for pos := 0; pos < end-2; {
		if pos, why = scanField(section, pos, &f); why != "" {
			return 0, why
		}
	}
	d.trailer = section[:end-2]
	return end, ""
}

// noTrailer holds the known names that may not stand in a trailer: RFC 9110
// section 6.5.1 excludes what frames, routes, modifies or authenticates the
// message, since it has been acted on before the trailer comes.
var noTrailer = [256]bool{
	Host: true, Connection: true, KeepAlive: true, ProxyConnection: true, TE: true,
	Trailer: true, TransferEncoding: true, Upgrade: true, ContentLength: true,
	Expect: true, Cookie: true, Cookie2: true, SetCookie: true, SetCookie2: true,
	XForwardedFor: true, XForwardedProto: true, XForwardedHost: true,
	XForwardedPort: true, Forwarded: true, HTTP2Settings: true,
	ProxyAuthenticate: true, ProxyAuthorization: true, Authorization: true,
	WWWAuthenticate: true, ContentType: true, ContentEncoding: true,
	ContentRange: true, CacheControl: true, Pragma: true, Location: true,
	Origin: true, Status: true, RetryAfter: true, Via: true, Date: true,
}

// noTrailerOther holds such names that have no ID.
var noTrailerOther = [...]string{
	"range", "max-forwards", "age", "expires", "vary", "warning", "if-match",
	"if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
}

// forbidden reports whether a field may not be passed on in a trailer.
func forbidden(f *Field) bool {
	if f.ID != Other {
		return noTrailer[f.ID]
	}
	for _, s := range noTrailerOther {
		if foldEqual(f.Name, s) {
			return true
		}
	}
	return false
}

// NextTrailer returns the first field of raw, a value of Trailer or a rest of
// it, that may be passed on, and what follows it. ok is false when there is
// none left.
func NextTrailer(raw []byte) (f Field, rest []byte, ok bool) {
	for pos := 0; pos < len(raw); {
		next, why := scanField(raw, pos, &f)
		if why != "" {
			return Field{}, nil, false
		}
		if pos = next; !forbidden(&f) {
			return f, raw[pos:], true
		}
	}
	return Field{}, nil, false
}

// WalkTrailer calls visit for every field of raw, a value of Trailer, that may
// be passed on.
func WalkTrailer(raw []byte, visit func(name, value []byte)) {
	for {
		f, rest, ok := NextTrailer(raw)
		if !ok {
			return
		}
		visit(f.Name, f.Value)
		raw = rest
	}
}
