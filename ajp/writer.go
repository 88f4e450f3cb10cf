package ajp

import (
	"bytes"
	"strings"
)

// MaxString is the longest string in bytes; the length 65535 means null.
const MaxString = 0xffff - 1

// Line is the fixed part of FORWARD_REQUEST. Writer keeps Method until End.
type Line struct {
	Method     []byte
	Protocol   []byte // HTTP/1.1
	URI        []byte // path only, as it came, without query string
	RemoteAddr []byte // client address in text form
	RemoteHost []byte // nil: null string; Tomcat then uses the address
	ServerName []byte // host the request was addressed to, without port
	ServerPort uint16
	SSL        bool // scheme https
}

// Writer writes one FORWARD_REQUEST packet at the end of a buffer of the caller:
// Begin, the headers, the attributes, End. It allocates only when the buffer has to
// grow. The zero value is ready and may be used again and again; an error stops all
// writing and is reported by End. Headers after the first attribute corrupt the
// packet: the order is the caller's duty.
type Writer struct {
	buf     []byte
	method  []byte // not nil: End adds it as stored method
	start   int    // offset of the packet in buf
	counter int    // offset of the header count
	headers int
	limit   int // offset the packet must not pass
	err     error
}

// Begin starts a packet behind the bytes already in dst (a CPING, for instance). max
// is the packet size in bytes, clamped to MinPacket..MaxPacket. A method without a
// code is remembered for End, which adds it as attribute 0D, unless the caller does
// so with Attr(AttrStoredMethod, ...) at a place of its own choice.
func (w *Writer) Begin(dst []byte, max int, l *Line) {
	w.buf, w.start, w.limit = dst, len(dst), len(dst)+clampPacket(max)
	w.method, w.headers, w.err = nil, 0, nil
	code := MethodCode(l.Method)
	if code == 0 {
		code, w.method = storedMethod, l.Method
		if len(l.Method) == 0 {
			w.fail(ErrString)
		}
	}
	w.buf = appendHead(w.buf, toContainer0, toContainer1)
	w.buf = append(w.buf, byte(ForwardRequest), code)
	w.str(l.Protocol)
	w.str(l.URI)
	w.str(l.RemoteAddr)
	if l.RemoteHost == nil {
		w.buf = append(w.buf, 0xff, 0xff)
	} else {
		w.str(l.RemoteHost)
	}
	w.str(l.ServerName)
	ssl := byte(0)
	if l.SSL {
		ssl = 1
	}
	w.buf = append(w.buf, byte(l.ServerPort>>8), byte(l.ServerPort), ssl, 0, 0)
	w.counter = len(w.buf) - 2
}

// Header adds a header. The 14 common names become codes whatever their case. A nil
// value is written as an empty string: applications see a null value as a bug.
func (w *Writer) Header(name, value []byte) {
	if code := RequestHeaderCode(name); code != 0 {
		w.coded(code, value)
		return
	}
	if !w.name(name) {
		return
	}
	w.str(name)
	w.str(value)
	w.headers++
}

// HeaderCode adds a header by the low byte of its code A0xx, one of the Req
// constants.
func (w *Writer) HeaderCode(code byte, value []byte) {
	if code == 0 || int(code) >= len(requestNames) {
		w.fail(ErrCode)
		return
	}
	w.coded(code, value)
}

func (w *Writer) coded(code byte, value []byte) {
	if w.room(2) {
		w.buf = append(w.buf, codePrefix, code)
		w.str(value)
		w.headers++
	}
}

// Attr adds an attribute whose value is one string. AttrReqAttr, AttrKeySize and
// AttrEnd are refused with ErrCode, and so are codes Tomcat does not know.
func (w *Writer) Attr(code byte, value []byte) {
	if !plainAttr(code) {
		w.fail(ErrCode)
		return
	}
	if !w.room(1) {
		return
	}
	w.buf = append(w.buf, code)
	switch code {
	case AttrSSLCert: // DER is full of NULs
		w.bin(value)
		return
	case AttrStoredMethod:
		w.method = nil
	}
	w.str(value)
}

// ReqAttr adds a named request attribute. Tomcat answers 403 to names it does not
// know; see the Name constants.
func (w *Writer) ReqAttr(name string, value []byte) {
	if len(name) == 0 || len(name) > MaxString || strings.IndexByte(name, 0) >= 0 {
		w.fail(ErrString)
		return
	}
	if !w.room(len(name) + 4) {
		return
	}
	w.buf = append(w.buf, AttrReqAttr, byte(len(name)>>8), byte(len(name)))
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, 0)
	w.str(value)
}

// KeySize adds the key length of the client's TLS connection in bits.
func (w *Writer) KeySize(bits uint16) {
	if w.room(3) {
		w.buf = append(w.buf, AttrKeySize, byte(bits>>8), byte(bits))
	}
}

// Raw adds attributes encoded before by AppendAttr and AppendReqAttr.
func (w *Writer) Raw(b []byte) {
	if w.room(len(b)) {
		w.buf = append(w.buf, b...)
	}
}

// End completes the packet and returns the buffer with the packet at its end. On an
// error (ErrTooLarge, ErrString, ErrCode) it returns the buffer as Begin found it,
// possibly moved. The Writer keeps no reference to either.
func (w *Writer) End() ([]byte, error) {
	if w.method != nil {
		w.Attr(AttrStoredMethod, w.method)
	}
	if w.room(1) {
		w.buf = append(w.buf, AttrEnd)
	}
	buf, err := w.buf, w.err
	w.buf, w.method = nil, nil
	if err != nil {
		return buf[:w.start], err
	}
	buf[w.counter], buf[w.counter+1] = byte(w.headers>>8), byte(w.headers)
	return patchLength(buf, w.start), nil
}

// room reports whether n more bytes keep the packet within its size.
func (w *Writer) room(n int) bool {
	if w.err == nil && len(w.buf)+n > w.limit {
		w.err = ErrTooLarge
	}
	return w.err == nil
}

func (w *Writer) fail(e Error) {
	if w.err == nil {
		w.err = e
	}
}

func (w *Writer) name(s []byte) bool {
	if len(s) == 0 || len(s) > maxName {
		w.fail(ErrString)
	}
	return w.err == nil
}

func (w *Writer) str(s []byte) {
	if bytes.IndexByte(s, 0) >= 0 {
		w.fail(ErrString)
		return
	}
	w.bin(s)
}

func (w *Writer) bin(s []byte) {
	if len(s) > MaxString {
		w.fail(ErrString)
		return
	}
	if w.room(len(s) + 3) {
		w.buf = appendString(w.buf, s)
	}
}

// plainAttr reports whether an attribute carries exactly one string.
func plainAttr(code byte) bool {
	return code >= AttrContext && code <= AttrStoredMethod && code != AttrReqAttr && code != AttrKeySize
}

// AppendAttr encodes one string attribute, for blocks that are the same in every
// request (the secret) and are added with Writer.Raw. It panics when the code takes
// no string or the value is longer than MaxString: both come from configuration and
// have been checked there.
func AppendAttr(dst []byte, code byte, value []byte) []byte {
	if !plainAttr(code) {
		panic("ajp: attribute code takes no string")
	}
	return appendString(append(dst, code), value)
}

// AppendReqAttr encodes one named request attribute, as AppendAttr does.
func AppendReqAttr(dst []byte, name string, value []byte) []byte {
	return appendString(appendString(append(dst, AttrReqAttr), name), value)
}

func appendString[S []byte | string](dst []byte, s S) []byte {
	if len(s) > MaxString {
		panic("ajp: string is longer than 65534 bytes")
	}
	dst = append(dst, byte(len(s)>>8), byte(len(s)))
	dst = append(dst, s...)
	return append(dst, 0)
}
