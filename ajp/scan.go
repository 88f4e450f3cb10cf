package ajp

// cursor walks a payload. Its first error sticks and every later read gives zero
// values, so that a parser checks once per block instead of once per field.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) fail(e Error) {
	if c.err == nil {
		c.err = e
	}
	c.b = nil
}

func (c *cursor) u8() byte {
	if len(c.b) < 1 {
		c.fail(ErrShort)
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

func (c *cursor) u16() int {
	if len(c.b) < 2 {
		c.fail(ErrShort)
		return 0
	}
	v := int(c.b[0])<<8 | int(c.b[1])
	c.b = c.b[2:]
	return v
}

// str reads a string: u16 length, bytes, NUL. The length ffff alone is a null string
// and gives nil; an empty string is not nil.
func (c *cursor) str() []byte {
	n := c.u16()
	if n == nullString || c.err != nil {
		return nil
	}
	return c.rest(n)
}

// rest reads the part of a string behind its length.
func (c *cursor) rest(n int) []byte {
	if len(c.b) < n+1 {
		c.fail(ErrShort)
		return nil
	}
	if c.b[n] != 0 {
		c.fail(ErrTerminator)
		return nil
	}
	s := c.b[:n:n]
	c.b = c.b[n+1:]
	return s
}

// text is str for strings that must not hold CR, LF or NUL.
func (c *cursor) text() []byte {
	s := c.str()
	if !isText(s) {
		c.fail(ErrText)
		return nil
	}
	return s
}

// header reads one name and value. names are the coded names of this direction.
func (c *cursor) header(names [][]byte, f *HeaderField) {
	n := c.u16()
	if n>>8 == codePrefix {
		code := n & 0xff
		if code == 0 || code >= len(names) {
			c.fail(ErrHeaderCode)
			return
		}
		f.Code, f.Name = byte(code), names[code]
	} else {
		if n == nullString {
			c.fail(ErrName)
			return
		}
		f.Code, f.Name = 0, c.rest(n)
		if c.err == nil && !isToken(f.Name) {
			c.fail(ErrName)
			return
		}
	}
	f.Value = c.text()
}

const nullString = 0xffff

// Classes of bytes.
const (
	tokenByte = 1 << iota // tchar of RFC 9110 section 5.6.2
	breakByte             // CR, LF, NUL: would end a field or a head
)

var class = func() (t [256]uint8) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789" +
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] = tokenByte
	}
	t['\r'], t['\n'], t[0] = breakByte, breakByte, breakByte
	return t
}()

func isToken(s []byte) bool {
	for _, c := range s {
		if class[c]&tokenByte == 0 {
			return false
		}
	}
	return len(s) > 0
}

func isText(s []byte) bool {
	for _, c := range s {
		if class[c]&breakByte != 0 {
			return false
		}
	}
	return true
}
