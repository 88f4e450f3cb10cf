package http1

import "bytes"

// HeadEnd returns the index after the blank line that ends the head at the
// start of b, or 0 when it has not come yet. from is len(b) of the last call
// that returned 0 (0 at first): nothing before it but the last three bytes is
// looked at again.
//
// A blank line made with bare line feeds ends the head too. Parse refuses such
// a head at once, where waiting for a CRLF that never comes would hold the
// connection until its time-out.
func HeadEnd(b []byte, from int) int {
	i := max(from-3, 0)
	for i < len(b) {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return 0
		}
		i += n + 1
		switch rest := b[i:]; {
		case len(rest) >= 2 && rest[0] == '\r' && rest[1] == '\n':
			return i + 2
		case len(rest) >= 1 && rest[0] == '\n':
			return i + 1
		}
	}
	return 0
}

// SkipEmpty returns how many bytes at the start of b are empty lines before a
// request line, which RFC 9112 section 2.2 asks a server to ignore: whole
// CRLFs only, and at most four of them a call. Later ones are left to Parse,
// which refuses them. Call it before HeadEnd, as long as no head has begun.
func SkipEmpty(b []byte) int {
	n := 0
	for n < 2*maxEmpty && len(b) >= n+2 && b[n] == '\r' && b[n+1] == '\n' {
		n += 2
	}
	return n
}

// firstLine checks that head is a whole one and returns its first line and the
// index of the second.
func firstLine(head []byte) (line []byte, next int, why string) {
	if n := len(head); n < 4 || string(head[n-4:]) != "\r\n\r\n" {
		if n >= 2 && head[n-1] == '\n' && (head[n-2] == '\n' || bytes.HasSuffix(head, []byte("\n\r\n"))) {
			return nil, 0, whyBareLF
		}
		return nil, 0, whyUnfinished
	}
	i := bytes.IndexByte(head, '\n')
	if i == 0 || head[i-1] != '\r' {
		return nil, 0, whyBareLF
	}
	return head[: i-1 : i-1], i + 1, ""
}

// scanField reads the field line at head[pos:] into f and returns where the
// next one begins. head must have passed firstLine, and pos must lie before its
// blank line: then the scans stop before they reach the end.
func scanField(head []byte, pos int, f *Field) (next int, why string) {
	colon := pos
	for colon < len(head) && class[head[colon]]&cToken != 0 {
		colon++
	}
	if colon == pos || colon == len(head) || head[colon] != ':' {
		return 0, badName(head[pos:], colon-pos)
	}
	end := textEnd(head, colon+1)
	switch {
	case end+1 >= len(head):
		return 0, whyUnfinished
	case head[end] == '\n':
		return 0, whyBareLF
	case head[end] != '\r':
		return 0, whyFieldValue
	case head[end+1] != '\n':
		return 0, whyBareCR
	}
	from, to := colon+1, end
	for from < to && (head[from] == ' ' || head[from] == '\t') {
		from++
	}
	for from < to && (head[to-1] == ' ' || head[to-1] == '\t') {
		to--
	}
	f.Name, f.Value = head[pos:colon:colon], head[from:to:to]
	f.ID = Lookup(f.Name)
	f.Drop = hopByHop[f.ID]
	return end + 2, ""
}

// badName names what is wrong with a line, at the start of b, whose first i
// bytes are a name that no colon follows.
func badName(b []byte, i int) string {
	if i == len(b) {
		return whyUnfinished
	}
	switch c := b[i]; {
	case c == '\n':
		return whyBareLF
	case c == '\r' && (i+1 == len(b) || b[i+1] != '\n'):
		return whyBareCR
	case c == '\r' && i == 0:
		return whyAfterHead
	case c == '\r':
		return whyNoColon
	case (c == ' ' || c == '\t') && i == 0:
		return whyFold
	case c == ' ' || c == '\t':
		return whySpaceColon
	case c == ':':
		return whyFieldNoName
	}
	return whyFieldName
}
