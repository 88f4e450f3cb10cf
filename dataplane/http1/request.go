package http1

// Request is the head of one request. The zero value is ready for Parse, and
// meant to be used again: Fields keeps its memory. All slices are views of the
// head, but for Path where it says so.
type Request struct {
	Method []byte
	// Target is the request target as sent. Path and Query are its parts, byte
	// for byte; in absolute form without a path, Path is "/" (or "*" for
	// OPTIONS, RFC 9112 section 3.2.4), which is then no view. What is passed
	// on is Path and Query, never an absolute Target. Query is nil without '?'
	// and empty, not nil, after a '?' that nothing follows.
	Target, Path, Query []byte
	// Host is the authority the request is for: that of the absolute form, else
	// the Host field. It is nil for HTTP/1.0 without one.
	Host   []byte
	Minor  uint8 // 0 or 1, of the version
	Fields []Field
	// FieldLimit is how many fields are accepted; 0 means MaxFields. Reset
	// leaves it alone.
	FieldLimit int
	// Length is the Content-Length in bytes, -1 when absent. Without it and
	// without Chunked there is no body (RFC 9112 section 6.3).
	Length int64
	// Chunked says that the body is chunked.
	Chunked bool
	// Close says that the connection ends with the answer: asked for, or
	// HTTP/1.0 without keep-alive (RFC 9112 section 9.3).
	Close bool
	// Expect100 says that the client holds a body back until it gets a 100
	// (RFC 9110 section 10.1.1). It is false when no body is announced.
	Expect100 bool
	// UpgradeWebSocket says that this is a well formed request to switch to
	// websocket: GET, HTTP/1.1, Connection: upgrade, no body.
	UpgradeWebSocket bool
	// MethodSafe is true for GET, HEAD, OPTIONS and TRACE (RFC 9110 section
	// 9.2.1).
	MethodSafe bool
}

// Reset forgets the request and keeps the memory of Fields and FieldLimit.
func (r *Request) Reset() {
	*r = Request{Fields: r.Fields[:0], FieldLimit: r.FieldLimit, Length: -1}
}

// reading is what Parse has to remember between fields.
type reading struct {
	host                        []byte
	hosts, lengths, codings     int
	connection, expect, trailer bool
	websocket                   bool
}

// Parse reads head, which must be exactly one head as HeadEnd found it. On any
// verdict but the zero one the connection must be closed after the answer, and
// what r holds must not be used: where the next message begins is unknown.
func (r *Request) Parse(head []byte) Reject {
	r.Reset()
	line, pos, why := firstLine(head)
	if why != "" {
		return refuse(why)
	}
	if rej := r.parseLine(line); rej.Status != 0 {
		return rej
	}
	limit := r.FieldLimit
	if limit <= 0 {
		limit = MaxFields
	}
	var in reading
	for end := len(head) - 2; pos < end; {
		if len(r.Fields) >= limit {
			return Reject{Status: 431, Reason: whyTooMany}
		}
		r.Fields = append(r.Fields, Field{})
		f := &r.Fields[len(r.Fields)-1]
		if pos, why = scanField(head, pos, f); why != "" {
			return refuse(why)
		}
		if f.ID == Other {
			continue
		}
		if rej := r.take(f, &in); rej.Status != 0 {
			return rej
		}
	}
	return r.finish(&in)
}

// take acts on a field that means something to a proxy.
func (r *Request) take(f *Field, in *reading) Reject {
	switch f.ID {
	case Host:
		if in.hosts++; in.hosts > 1 {
			return refuse("several host fields")
		}
		in.host = f.Value
		if !validAuthority(f.Value) {
			return refuse("bad host")
		}
	case ContentLength:
		if in.lengths++; in.lengths > 1 {
			return refuse(whyTwoLengths)
		}
		n, why := parseLength(f.Value)
		if why != "" {
			return refuse(why)
		}
		r.Length = n
	case TransferEncoding:
		if in.codings++; in.codings > 1 {
			return refuse(whyTwoCodings)
		}
		if !foldEqual(f.Value, "chunked") {
			return refuse(whyCoding)
		}
		r.Chunked = true
	case Connection:
		in.connection = true
	case Upgrade:
		in.websocket = in.websocket || hasWebSocket(f.Value)
	case Trailer:
		in.trailer = true
	case Expect:
		// HTTP/1.0 knows no expectations: RFC 9110 section 10.1.1 has a server
		// ignore them, so the member must not see them either.
		if r.Minor == 0 {
			f.Drop = true
			break
		}
		if !foldEqual(f.Value, "100-continue") {
			return Reject{Status: 417, Reason: "unknown expectation"}
		}
		in.expect = true
	}
	return Reject{}
}

// finish judges what can only be judged when all fields are known.
func (r *Request) finish(in *reading) Reject {
	if r.Chunked {
		if in.lengths > 0 {
			return refuse(whyCodingLength)
		}
		if r.Minor == 0 {
			return refuse(whyCodingOld)
		}
	}
	if in.hosts == 0 && r.Minor == 1 {
		return refuse("http/1.1 without a host")
	}
	if r.Host == nil {
		r.Host = in.host
	} else if in.hosts > 0 && !sameAuthority(r.Host, in.host, r.secureTarget()) {
		return refuse("host differs from the target")
	}
	var o options
	if in.connection {
		var why string
		if o, why = connection(r.Fields); why != "" {
			return refuse(why)
		}
	}
	body := r.Chunked || r.Length > 0
	r.Close = o.close || r.Minor == 0 && !o.keepAlive
	r.Expect100 = in.expect && body
	r.UpgradeWebSocket = in.websocket && o.upgrade && !body && r.Minor == 1 && string(r.Method) == "GET"
	if in.trailer && !r.Chunked {
		dropIDs(r.Fields, Trailer)
	}
	return Reject{}
}
