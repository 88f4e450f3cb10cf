package ajp

// MaxHeaders is the most header fields a head may have, in both directions. Tomcat's
// own limit for requests (maxHeaderCount) is 100 by default.
const MaxHeaders = 1000

// minHeader is the shortest header on the wire: a coded name and a null value.
const minHeader = 4

// HeaderField is one header. Name of a coded header is the name in its usual spelling
// from a static table, never written to; everything else is a view of the packet.
type HeaderField struct {
	Name  []byte
	Value []byte // nil when it was a null string, which counts as empty
	Code  byte   // low byte of A0xx, one of the Req or Resp constants; 0: spelled out
}

// ResponseHead is a SEND_HEADERS message. It may be used again for the next response:
// Fields keeps its memory.
type ResponseHead struct {
	Status  int    // 100..999
	Message []byte // text of no use: Tomcat 8.5 and later send the number again
	Fields  []HeaderField
}

// Parse reads the payload of a SEND_HEADERS. What is not clean is refused, because
// the next step writes it into an HTTP/1.1 head: names must be RFC 9110 tokens, values
// and message must not hold CR, LF or NUL, the status lies in 100..999. A count that
// does not fit, at most MaxHeaders, a missing final NUL, an unknown code and bytes
// behind the last header are refused as well; Tomcat 8.5 to 11 send such packets when
// their own response head is too large. After an error the head is empty.
func (h *ResponseHead) Parse(payload []byte) error {
	h.reset()
	c := cursor{b: payload}
	c.want(SendHeaders)
	status := c.u16()
	message := c.text()
	h.Fields = c.headers(responseNames[:], h.Fields)
	if err := c.end(); err != nil {
		h.reset()
		return err
	}
	if status < 100 || status > 999 {
		h.reset()
		return ErrStatus
	}
	h.Status, h.Message = status, message
	return nil
}

func (h *ResponseHead) reset() {
	h.Status, h.Message, h.Fields = 0, nil, h.Fields[:0]
}

// headers reads a count and as many headers.
func (c *cursor) headers(names [][]byte, fields []HeaderField) []HeaderField {
	count := c.u16()
	if c.err != nil {
		return fields
	}
	if count > MaxHeaders || count*minHeader > len(c.b) {
		c.fail(ErrCount)
		return fields
	}
	for range count {
		fields = append(fields, HeaderField{})
		c.header(names, &fields[len(fields)-1])
		if c.err != nil {
			break
		}
	}
	return fields
}

// Append appends the head as a SEND_HEADERS packet; Parse of the result gives the
// same head. It panics when the head is longer than a packet can be.
func (h *ResponseHead) Append(dst []byte) []byte {
	start := len(dst)
	dst = appendHead(dst, toWeb0, toWeb1)
	dst = append(dst, byte(SendHeaders), byte(h.Status>>8), byte(h.Status))
	dst = appendString(dst, h.Message)
	return patchLength(appendHeaders(dst, h.Fields), start)
}

// AppendSendHeaders appends a SEND_HEADERS packet. Fields are written as they are,
// bad ones too: a container made for tests must be able to misbehave. It panics when
// the head is longer than a packet can be.
func AppendSendHeaders(dst []byte, status int, msg string, fields ...HeaderField) []byte {
	h := ResponseHead{Status: status, Message: []byte(msg), Fields: fields}
	return h.Append(dst)
}

// Field makes a response header, coded when the name has a code.
func Field(name, value string) HeaderField {
	return HeaderField{Name: []byte(name), Value: []byte(value), Code: ResponseHeaderCode([]byte(name))}
}

// appendHeaders writes a count and the headers: coded ones by code, nil values as
// null strings.
func appendHeaders(dst []byte, fields []HeaderField) []byte {
	dst = append(dst, byte(len(fields)>>8), byte(len(fields)))
	for i := range fields {
		f := &fields[i]
		if f.Code != 0 {
			dst = append(dst, codePrefix, f.Code)
		} else {
			dst = appendString(dst, f.Name)
		}
		dst = appendNullable(dst, f.Value)
	}
	return dst
}

func appendNullable(dst, s []byte) []byte {
	if s == nil {
		return append(dst, 0xff, 0xff)
	}
	return appendString(dst, s)
}
