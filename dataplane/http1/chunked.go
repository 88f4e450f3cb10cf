package http1

import "math"

// Chunked takes a chunked body apart (RFC 9112 section 7.1). The zero value
// stands before the first chunk.
type Chunked struct {
	state   chunkState
	left    int64  // bytes of the chunk still to come, in inData
	seen    int    // bytes of the trailer already searched for its end
	trailer []byte // see Trailer
	rej     Reject // kept: a broken body stays broken
}

type chunkState uint8

const (
	atSize    chunkState = iota // before or within a size line
	inData                      // left bytes of data follow
	atDataEnd                   // the CRLF after the data follows
	atTrailer                   // the trailer section follows
	atEnd                       // nothing follows
)

// Reset makes d ready for another body.
func (d *Chunked) Reset() { *d = Chunked{} }

// Next looks at b, the bytes that follow those consumed so far. It consumes the
// first n of them; data, a view of b and part of those n, is what they hold of
// the body. The caller goes on with b[n:] until
//
//   - rej is not zero: the framing is broken and the connection lost, or
//   - done: the body and its trailer end with the n bytes, or
//   - n is 0: b must grow. It need not grow beyond MaxTrailer.
func (d *Chunked) Next(b []byte) (data []byte, n int, done bool, rej Reject) {
	for d.rej.Status == 0 {
		switch d.state {
		case atSize:
			size, used, why := chunkSize(b[n:])
			if why != "" {
				d.rej = refuse(why)
				break
			}
			if used == 0 {
				return nil, n, false, Reject{}
			}
			n += used
			d.left, d.state = size, inData
			if size == 0 {
				d.state, d.seen = atTrailer, 0
			}
		case inData:
			if n == len(b) {
				return nil, n, false, Reject{}
			}
			take := int(min(d.left, int64(len(b)-n)))
			data = b[n : n+take : n+take]
			n += take
			if d.left -= int64(take); d.left > 0 {
				return data, n, false, Reject{}
			}
			d.state = atDataEnd
			// Taken now when whole, so that the usual caller is done with a
			// chunk in one call. What is wrong here is for the next call to
			// say: the data before it was sound.
			if len(b)-n >= 2 && b[n] == '\r' && b[n+1] == '\n' {
				n += 2
				d.state = atSize
			}
			return data, n, false, Reject{}
		case atDataEnd:
			rest := b[n:]
			if len(rest) > 0 && rest[0] != '\r' || len(rest) > 1 && rest[1] != '\n' {
				d.rej = refuse("chunk data not followed by an end of line")
				break
			}
			if len(rest) < 2 {
				return nil, n, false, Reject{}
			}
			n += 2
			d.state = atSize
		case atTrailer:
			used, why := d.readTrailer(b[n:])
			if why != "" {
				d.rej = refuse(why)
				if why == whyTrailerBig {
					d.rej.Status = 431
				}
				break
			}
			if used == 0 {
				return nil, n, false, Reject{}
			}
			d.state = atEnd
			return nil, n + used, true, Reject{}
		case atEnd:
			return nil, n, true, Reject{}
		}
	}
	return nil, 0, false, d.rej
}

// chunkSize reads a size line at the start of b: chunk-size [chunk-ext] CRLF.
// used is 0 when b ends before the line does and nothing is wrong so far.
func chunkSize(b []byte) (size int64, used int, why string) {
	i := 0
	var sum uint64
	for i < len(b) && class[b[i]]&cHex != 0 {
		if i == 16 {
			return 0, 0, "chunk size too large"
		}
		sum = sum<<4 | uint64(unhex(b[i]))
		i++
	}
	if sum > math.MaxInt64 {
		return 0, 0, "chunk size too large"
	}
	if i == len(b) {
		return 0, 0, ""
	}
	if i == 0 {
		return 0, 0, "bad chunk size"
	}
	if b[i] != '\r' {
		if b[i] != ';' && b[i] != ' ' && b[i] != '\t' {
			if b[i] == '\n' {
				return 0, 0, whyBareLF
			}
			return 0, 0, "bad chunk size"
		}
		n, why := extensions(b[i:])
		if why != "" {
			return 0, 0, why
		}
		if n < 0 {
			return 0, 0, ""
		}
		i += n
	}
	if i+1 == len(b) {
		return 0, 0, ""
	}
	if b[i+1] != '\n' {
		return 0, 0, whyBareCR
	}
	return int64(sum), i + 2, ""
}

// AppendChunkHeader appends the size line of a chunk of n bytes to dst. With n
// 0 that is the last chunk, which still wants its trailer section and a CRLF.
func AppendChunkHeader(dst []byte, n int) []byte {
	const digits = "0123456789abcdef"
	shift := 0
	for n>>shift > 15 {
		shift += 4
	}
	for ; shift >= 0; shift -= 4 {
		dst = append(dst, digits[n>>shift&15])
	}
	return append(dst, '\r', '\n')
}
