package ajp

import "crypto/subtle"

// Attribute is one attribute of a parsed FORWARD_REQUEST.
type Attribute struct {
	Name  []byte // only with AttrReqAttr
	Value []byte // nil when it was a null string
	Bits  uint16 // only with AttrKeySize
	Code  byte   // one of the Attr constants
}

// Request is a FORWARD_REQUEST as a container reads it. It may be used again for the
// next request: the slices keep their memory. All bytes are views of the payload.
type Request struct {
	Line
	Headers    []HeaderField // in order, duplicates kept
	Attributes []Attribute   // in order, duplicates kept
}

// Parse reads the payload of a FORWARD_REQUEST and is stricter than Tomcat: an unknown
// method or attribute code, a stored method that is missing or no token, a header
// without name, a null protocol or URI, CR, LF or NUL in any string but the client
// certificate, a string without its final NUL, and bytes behind the end of the
// attributes are all refused. After an error the request is empty.
func (r *Request) Parse(payload []byte) error {
	r.reset()
	err := r.parse(payload)
	if err != nil {
		r.reset()
	}
	return err
}

func (r *Request) parse(payload []byte) error {
	c := cursor{b: payload}
	c.want(ForwardRequest)
	method := int(c.u8())
	r.Protocol = c.text()
	r.URI = c.text()
	r.RemoteAddr = c.text()
	r.RemoteHost = c.text()
	r.ServerName = c.text()
	r.ServerPort = uint16(c.u16())
	r.SSL = c.u8() != 0
	r.Headers = c.headers(requestNames[:], r.Headers)
	r.Attributes = c.attributes(r.Attributes)
	if err := c.end(); err != nil {
		return err
	}
	if r.Protocol == nil || r.URI == nil {
		return ErrNull
	}
	// Attribute 0D wins over any code, as in Tomcat.
	if m, ok := r.attr(AttrStoredMethod); ok {
		if !isToken(m) {
			return ErrMethod
		}
		r.Method = m
		return nil
	}
	if method == 0 || method >= len(methods) {
		return ErrMethod
	}
	r.Method = methods[method]
	return nil
}

func (r *Request) reset() {
	r.Line = Line{}
	r.Headers, r.Attributes = r.Headers[:0], r.Attributes[:0]
}

// attributes reads the list up to and including its end mark.
func (c *cursor) attributes(list []Attribute) []Attribute {
	for c.err == nil {
		code := c.u8()
		if c.err != nil || code == AttrEnd {
			break
		}
		a := Attribute{Code: code}
		switch {
		case code == AttrReqAttr:
			if a.Name = c.text(); c.err == nil && len(a.Name) == 0 {
				c.fail(ErrName)
			}
			a.Value = c.text()
		case code == AttrKeySize:
			a.Bits = uint16(c.u16())
		case code == AttrSSLCert:
			a.Value = c.str()
		case plainAttr(code):
			a.Value = c.text()
		default:
			c.fail(ErrAttribute)
		}
		list = append(list, a)
	}
	return list
}

// attr finds the last attribute of a code: where a client repeats one, the last wins.
func (r *Request) attr(code byte) (value []byte, ok bool) {
	for i := range r.Attributes {
		if a := &r.Attributes[i]; a.Code == code {
			value, ok = a.Value, true
		}
	}
	return value, ok
}

// Attr gives the value of a string attribute, nil when it is absent. A repeated one
// counts with its last value; for the secret that would be wrong, see Authorized.
func (r *Request) Attr(code byte) []byte {
	v, _ := r.attr(code)
	return v
}

// ReqAttr gives the value of a named request attribute, nil when it is absent.
func (r *Request) ReqAttr(name string) []byte {
	var value []byte
	for i := range r.Attributes {
		if a := &r.Attributes[i]; a.Code == AttrReqAttr && string(a.Name) == name {
			value = a.Value
		}
	}
	return value
}

// Header gives the value of the first header of a name in any case, nil when absent.
func (r *Request) Header(name string) []byte {
	for i := range r.Headers {
		if f := &r.Headers[i]; len(f.Name) == len(name) && equalFold(f.Name, []byte(name)) {
			return f.Value
		}
	}
	return nil
}

// Authorized reports whether the request carries the secret: at least once, and, as
// in Tomcat, never a wrong one. An empty secret asks for nothing. The comparison takes
// the same time for every wrong secret of the right length.
func (r *Request) Authorized(secret string) bool {
	if secret == "" {
		return true
	}
	right, wrong := 0, 0
	for i := range r.Attributes {
		if a := &r.Attributes[i]; a.Code == AttrSecret {
			same := subtle.ConstantTimeCompare(a.Value, []byte(secret))
			right, wrong = right|same, wrong|(1-same)
		}
	}
	return right == 1 && wrong == 0
}

// BodyLength gives the declared length of the body in bytes: 0 or more from
// content-length, which is followed at once by a body packet unless it is 0; -1 when
// it is unknown and the container has to ask. ErrFraming refuses what two parties may
// count differently: a content-length that is repeated, no plain decimal number below
// 2^63, or beside a transfer-encoding.
func (r *Request) BodyLength() (int64, error) {
	length, coded := int64(-1), false
	for i := range r.Headers {
		switch f := &r.Headers[i]; {
		case f.Code == ReqContentLength || f.Code == 0 && RequestHeaderCode(f.Name) == ReqContentLength:
			n, ok := decimal(f.Value)
			if !ok || length >= 0 {
				return 0, ErrFraming
			}
			length = n
		case f.Code == 0 && len(f.Name) == len(transferEncoding) && equalFold(f.Name, transferEncoding):
			coded = true
		}
	}
	if coded && length >= 0 {
		return 0, ErrFraming
	}
	return length, nil
}

var transferEncoding = []byte("transfer-encoding")

// decimal reads digits only; strconv would take signs and underscores.
func decimal(s []byte) (n int64, ok bool) {
	const last = (1<<63 - 1) / 10
	for _, c := range s {
		d := int64(c - '0')
		if c < '0' || c > '9' || n > last || n == last && d > 7 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, len(s) > 0
}

// Append appends the request as a FORWARD_REQUEST packet with everything in its place,
// coded names as codes and null strings as null; Parse of the result gives the same
// request. The error is ErrTooLarge, when the packet is larger than max bytes. Requests
// to be sent are written with Writer; this one is for tools and tests.
func (r *Request) Append(dst []byte, max int) ([]byte, error) {
	start := len(dst)
	code := MethodCode(r.Method)
	if _, ok := r.attr(AttrStoredMethod); ok {
		code = storedMethod
	}
	b := appendHead(dst, toContainer0, toContainer1)
	b = append(b, byte(ForwardRequest), code)
	for _, s := range [...][]byte{r.Protocol, r.URI, r.RemoteAddr, r.RemoteHost, r.ServerName} {
		b = appendNullable(b, s)
	}
	ssl := byte(0)
	if r.SSL {
		ssl = 1
	}
	b = append(b, byte(r.ServerPort>>8), byte(r.ServerPort), ssl)
	b = appendHeaders(b, r.Headers)
	for i := range r.Attributes {
		a := &r.Attributes[i]
		b = append(b, a.Code)
		switch a.Code {
		case AttrReqAttr:
			b = appendNullable(appendString(b, a.Name), a.Value)
		case AttrKeySize:
			b = append(b, byte(a.Bits>>8), byte(a.Bits))
		default:
			b = appendNullable(b, a.Value)
		}
	}
	if b = append(b, AttrEnd); len(b)-start > clampPacket(max) {
		return dst, ErrTooLarge
	}
	return patchLength(b, start), nil
}
