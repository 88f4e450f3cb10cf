package http1

// Response is the head of an answer of a member. The zero value is ready for
// Parse, and meant to be used again. All slices are views of the head.
type Response struct {
	Status int    // 100 to 999
	Reason []byte // as sent, may be empty
	Minor  uint8  // 0 or 1, of the version
	Fields []Field
	// Length is the Content-Length in bytes, -1 when absent. See UntilClose for
	// what that means.
	Length int64
	// Chunked says that the body is chunked.
	Chunked bool
	// Close says that the member will close the connection after this answer.
	Close bool
	// Upgrade says that this is a 101 that switches to websocket. Any other 101
	// is refused. Whether it was asked for is for the caller to know.
	Upgrade bool
}

// Reset forgets the answer and keeps the memory of Fields.
func (r *Response) Reset() {
	*r = Response{Fields: r.Fields[:0], Length: -1}
}

// Parse reads head, which must be exactly one head as HeadEnd found it. Every
// verdict but the zero one has status 502, and the member's connection must
// never be used again.
//
// It is as strict as Request.Parse, with one exception: Content-Length values
// that agree are taken as one (RFC 9110 section 8.6), and only the first is
// left to pass on.
func (r *Response) Parse(head []byte) Reject {
	r.Reset()
	line, pos, why := firstLine(head)
	if why == "" {
		why = r.parseLine(line)
	}
	if why != "" {
		return fault(why)
	}
	var in reading
	for end := len(head) - 2; pos < end; {
		if len(r.Fields) >= MaxResponseFields {
			return fault(whyTooMany)
		}
		r.Fields = append(r.Fields, Field{})
		f := &r.Fields[len(r.Fields)-1]
		if pos, why = scanField(head, pos, f); why != "" {
			return fault(why)
		}
		if f.ID == Other {
			continue
		}
		if why = r.take(f, &in); why != "" {
			return fault(why)
		}
	}
	if why = r.finish(&in); why != "" {
		return fault(why)
	}
	return Reject{}
}

// parseLine reads the status line (RFC 9112 section 4). The space after the
// code may be missing with the reason, as many servers have it.
func (r *Response) parseLine(line []byte) (why string) {
	if len(line) < 12 || line[8] != ' ' {
		return "bad status line"
	}
	if r.Minor, why = parseVersion(line[:8]); why != "" {
		return why
	}
	for _, c := range line[9:12] {
		if class[c]&cDigit == 0 {
			return "bad status"
		}
		r.Status = r.Status*10 + int(c-'0')
	}
	if r.Status < 100 {
		return "bad status"
	}
	if len(line) == 12 {
		return ""
	}
	if line[12] != ' ' {
		return "bad status"
	}
	if r.Reason = line[13:]; textEnd(r.Reason, 0) < len(r.Reason) {
		return "control byte in the reason"
	}
	return ""
}

func (r *Response) take(f *Field, in *reading) (why string) {
	switch f.ID {
	case ContentLength:
		for list, more := f.Value, true; more; {
			var e []byte
			e, list = nextElement(list)
			n, why := parseLength(e)
			if why != "" {
				return why
			}
			if in.lengths++; in.lengths > 1 && n != r.Length {
				return whyLengthsApart
			}
			r.Length = n
			if more = list != nil; more && in.lengths == 1 {
				f.Value = e
			}
		}
		f.Drop = in.lengths > 1 && r.lengthSeen(f)
	case TransferEncoding:
		if in.codings++; in.codings > 1 {
			return whyTwoCodings
		}
		if !foldEqual(f.Value, "chunked") {
			return whyCoding
		}
		r.Chunked = true
	case Connection:
		in.connection = true
	case Upgrade:
		in.websocket = in.websocket || hasWebSocket(f.Value)
	case Trailer:
		in.trailer = true
	}
	return ""
}

// lengthSeen reports whether an earlier field than f is a Content-Length.
func (r *Response) lengthSeen(f *Field) bool {
	for i := range r.Fields {
		if g := &r.Fields[i]; g.ID == ContentLength {
			return g != f
		}
	}
	return false
}

func (r *Response) finish(in *reading) (why string) {
	if r.Chunked {
		if in.lengths > 0 {
			return whyCodingLength
		}
		if r.Minor == 0 {
			return whyCodingOld
		}
	}
	// RFC 9110 section 8.6 and RFC 9112 section 6.1 forbid both fields here. A
	// member that announces a body after all is about to send one, and it would
	// be taken for the next answer.
	if r.Status < 200 || r.Status == 204 {
		if r.Chunked || r.Length > 0 {
			return "body announced where none may be"
		}
		dropIDs(r.Fields, ContentLength)
	}
	var o options
	if in.connection {
		if o, why = connection(r.Fields); why != "" {
			return why
		}
	}
	if r.Status == 101 {
		if !in.websocket || !o.upgrade || r.Minor == 0 {
			return "switch to another protocol than websocket"
		}
		r.Upgrade = true
	}
	r.Close = o.close || r.Minor == 0 && !o.keepAlive
	if in.trailer && !r.Chunked {
		dropIDs(r.Fields, Trailer)
	}
	return ""
}

// NoBody reports whether the answer has no body whatever its fields say
// (RFC 9112 section 6.3): 1xx, 204, 304, and any answer to HEAD.
func (r *Response) NoBody(requestMethodHead bool) bool {
	return requestMethodHead || r.Status < 200 || r.Status == 204 || r.Status == 304
}

// UntilClose reports whether the body ends only with the connection. Then the
// connection cannot be used again, and an early end cannot be told from the
// true one.
func (r *Response) UntilClose(requestMethodHead bool) bool {
	return r.Length < 0 && !r.Chunked && !r.NoBody(requestMethodHead)
}
