package load

import (
	"bytes"
	"fmt"
	"strconv"
)

// Bounds on what is kept of an answer that comes in pieces, in bytes.
const (
	maxHead = 64 << 10
	maxLine = 4 << 10
)

type stage uint8

const (
	inHead    stage = iota
	inBody          // left bytes of a body of known length
	inSize          // a chunk-size line
	inChunk         // left bytes of a chunk
	inBorder        // the line end after a chunk
	inTrailer       // fields after the last chunk
	ended
)

// Answer reads one HTTP/1.1 answer out of byte slices as they arrive
// (RFC 9112 sections 4, 6 and 7). Interim answers (1xx) are passed over. The
// body is counted, not kept. Answers to HEAD are not understood.
type Answer struct {
	Status int
	Length int64 // body bytes so far
	Close  bool  // the server will close: Connection: close, or HTTP/1.0

	stage stage
	left  int64
	carry []byte // a head or line that has not ended yet
	taken bool   // carry was handed out and is to be emptied before its next use
}

// Reset makes a used for the next answer; it keeps its buffer.
func (a *Answer) Reset() {
	*a = Answer{carry: a.carry[:0]}
}

// Feed takes the next bytes. It returns how many belong to this answer and
// whether that was the last of them. An error means that what came is no
// answer this reader accepts; the connection is of no use then.
func (a *Answer) Feed(b []byte) (n int, done bool, err error) {
	for {
		switch a.stage {
		case inBody, inChunk:
			got := min(a.left, int64(len(b)-n))
			n += int(got)
			a.Length += got
			if a.left -= got; a.left > 0 {
				return n, false, nil
			}
			if a.stage == inBody {
				a.stage = ended
			} else {
				a.stage = inBorder
			}
		case ended:
			return n, true, nil
		default:
			sep, limit := "\r\n", maxLine
			if a.stage == inHead {
				sep, limit = "\r\n\r\n", maxHead
			}
			text, used, ok := a.until(b[n:], sep)
			n += used
			if len(text) > limit || len(a.carry) > limit+len(sep) {
				return n, false, fmt.Errorf("read answer: more than %d bytes without an end", limit)
			}
			if !ok {
				return n, false, nil
			}
			if err := a.line(text); err != nil {
				return n, false, err
			}
		}
	}
}

// until cuts b at sep. Without one it keeps all of b for the next call.
func (a *Answer) until(b []byte, sep string) (text []byte, used int, ok bool) {
	if a.taken {
		a.carry, a.taken = a.carry[:0], false
	}
	old := len(a.carry)
	if old == 0 {
		if i := bytes.Index(b, []byte(sep)); i >= 0 {
			return b[:i], i + len(sep), true
		}
		a.carry = append(a.carry, b...)
		return nil, len(b), false
	}
	a.carry = append(a.carry, b...)
	from := max(0, old-len(sep)+1)
	i := bytes.Index(a.carry[from:], []byte(sep))
	if i < 0 {
		return nil, len(b), false
	}
	a.taken = true
	return a.carry[:from+i], from + i + len(sep) - old, true
}

// line handles a whole head, or one line of chunked framing.
func (a *Answer) line(text []byte) error {
	switch a.stage {
	case inHead:
		return a.head(text)
	case inSize:
		digits, _, _ := bytes.Cut(text, []byte(";"))
		size, err := strconv.ParseUint(string(bytes.TrimRight(digits, " \t")), 16, 62)
		if err != nil {
			return fmt.Errorf("read answer: chunk size %q is not hexadecimal", clip(text))
		}
		a.left, a.stage = int64(size), inChunk
		if size == 0 {
			a.stage = inTrailer
		}
	case inBorder:
		if len(text) != 0 {
			return fmt.Errorf("read answer: %q after a chunk", clip(text))
		}
		a.stage = inSize
	case inTrailer:
		if len(text) == 0 {
			a.stage = ended
		}
	}
	return nil
}

func (a *Answer) head(head []byte) error {
	line, fields, _ := bytes.Cut(head, []byte("\r\n"))
	// "HTTP/1.1 200" and then a space and a reason, or nothing.
	if len(line) < 12 || string(line[:7]) != "HTTP/1." || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return fmt.Errorf("read answer: status line %q", clip(line))
	}
	status, err := strconv.ParseUint(string(line[9:12]), 10, 16)
	if err != nil || status < 100 {
		return fmt.Errorf("read answer: status %q", line[9:12])
	}
	if status < 200 && status != 101 {
		return nil // interim: the real one follows
	}
	a.Status = int(status)
	a.Close = line[7] == '0'
	length, chunked := int64(-1), false
	for len(fields) > 0 {
		line, rest, _ := bytes.Cut(fields, []byte("\r\n"))
		fields = rest
		// Only C(ontent-Length, onnection) and T(ransfer-Encoding) matter.
		if len(line) == 0 || line[0]|0x20 != 'c' && line[0]|0x20 != 't' {
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			n, err := strconv.ParseUint(string(value), 10, 62)
			if err != nil || length >= 0 {
				return fmt.Errorf("read answer: content length %q", clip(value))
			}
			length = int64(n)
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			if chunked = bytes.EqualFold(value, []byte("chunked")); !chunked {
				return fmt.Errorf("read answer: transfer encoding %q", clip(value))
			}
		case bytes.EqualFold(name, []byte("connection")):
			a.Close = a.Close || bytes.EqualFold(value, []byte("close"))
		}
	}
	switch {
	case chunked && length >= 0:
		return fmt.Errorf("read answer: both a content length and chunks")
	case status == 101 || status == 204 || status == 304:
		a.stage = ended
	case chunked:
		a.stage = inSize
	case length >= 0:
		a.left, a.stage = length, inBody
	default:
		return fmt.Errorf("read answer: neither content length nor chunks")
	}
	return nil
}

func clip(b []byte) []byte { return b[:min(len(b), 64)] }
