package ajp

import (
	"bytes"
	"strings"
	"testing"
)

func line() *Line {
	return &Line{
		Method: []byte("GET"), Protocol: []byte("HTTP/1.1"), URI: []byte("/app/nobody"),
		RemoteAddr: []byte("192.0.2.10"), ServerName: []byte("example.com"), ServerPort: 80,
	}
}

// TestWriterEdge pads a head to exactly the packet size and to one byte more, by each
// kind of field in turn.
func TestWriterEdge(t *testing.T) {
	fill := map[string]func(w *Writer, n int){
		"uri":             nil, // Begin itself, below
		"header":          func(w *Writer, n int) { w.Header([]byte("x-pad"), make0(n-11)) },
		"header name":     func(w *Writer, n int) { w.Header(make0(n-6), nil) },
		"coded header":    func(w *Writer, n int) { w.HeaderCode(ReqCookie, make0(n-5)) },
		"attribute":       func(w *Writer, n int) { w.Attr(AttrQuery, make0(n-4)) },
		"certificate":     func(w *Writer, n int) { w.Attr(AttrSSLCert, make([]byte, n-4)) },
		"named attribute": func(w *Writer, n int) { w.ReqAttr("A", make0(n-8)) },
		"attribute name":  func(w *Writer, n int) { w.ReqAttr(string(make0(n-7)), nil) },
		"raw":             func(w *Writer, n int) { w.Raw(AppendAttr(nil, AttrRoute, make0(n-4))) },
		"key size":        func(w *Writer, n int) { w.Attr(AttrRoute, make0(n-7)); w.KeySize(128) },
	}
	prefix := AppendCPing(nil) // bytes before the packet do not count
	for _, packet := range []int{8192, 10000, 30000} {
		var w Writer
		w.Begin(prefix, packet, line())
		b, err := w.End()
		if err != nil {
			t.Fatal(err)
		}
		room := packet - (len(b) - len(prefix))
		for what, f := range fill {
			for over := range 2 {
				l := line()
				if f == nil {
					l.URI = make0(len(l.URI) + room + over)
				}
				w.Begin(prefix, packet, l)
				if f != nil {
					f(&w, room+over)
				}
				b, err := w.End()
				switch {
				case over == 1:
					if err != ErrTooLarge || !bytes.Equal(b, prefix) {
						t.Errorf("%s, packet of %d and one: %d bytes, %v", what, packet, len(b), err)
					}
				case err != nil || len(b)-len(prefix) != packet:
					t.Errorf("%s, packet of %d: %d bytes, %v", what, packet, len(b)-len(prefix), err)
				default:
					payload, _, _, err := SplitRequest(b[len(prefix):], packet)
					if err == nil {
						err = new(Request).Parse(payload)
					}
					if err != nil {
						t.Errorf("%s, packet of %d: %v", what, packet, err)
					}
				}
			}
		}
	}
}

// make0 is text of n bytes that is also a token.
func make0(n int) []byte { return bytes.Repeat([]byte{'0'}, n) }

// TestWriterStoredMethodEdge: the attribute that End adds counts as well.
func TestWriterStoredMethodEdge(t *testing.T) {
	f := func(pad int, want error) {
		t.Helper()
		var w Writer
		l := line()
		l.Method = []byte("PATCH")
		w.Begin(nil, DefaultPacket, l)
		w.Attr(AttrQuery, make0(pad))
		if b, err := w.End(); err != want || err == nil && len(b) != DefaultPacket {
			t.Errorf("pad %d: %d bytes, %v; want %v", pad, len(b), err, want)
		}
	}
	var w Writer
	l := line()
	l.Method = []byte("PATCH")
	w.Begin(nil, DefaultPacket, l)
	b, _ := w.End()
	pad := DefaultPacket - len(b) - 4
	f(pad, nil)
	f(pad+1, ErrTooLarge)
}

func TestWriterRefuses(t *testing.T) {
	var w Writer
	buf := make([]byte, 0, MaxPacket)
	f := func(what string, want error, do func(l *Line), add func()) {
		t.Helper()
		l := line()
		if do != nil {
			do(l)
		}
		w.Begin(buf, MaxPacket, l)
		if add != nil {
			add()
		}
		w.Header([]byte("x-after"), []byte("sticky: this does not heal it"))
		if b, err := w.End(); err != want || want != nil && len(b) != 0 {
			t.Errorf("%s: %d bytes, %v; want %v", what, len(b), err, want)
		}
	}
	v := []byte("v")
	f("good", nil, nil, nil)
	f("empty method", ErrString, func(l *Line) { l.Method = nil }, nil)
	f("NUL in method", ErrString, func(l *Line) { l.Method = []byte("G\x00") }, nil)
	f("NUL in uri", ErrString, func(l *Line) { l.URI = []byte("/\x00") }, nil)
	f("NUL in server name", ErrString, func(l *Line) { l.ServerName = []byte("\x00") }, nil)
	f("NUL in value", ErrString, nil, func() { w.Header([]byte("a"), []byte("b\x00")) })
	f("NUL in coded value", ErrString, nil, func() { w.Header([]byte("host"), []byte("b\x00")) })
	f("NUL in name", ErrString, nil, func() { w.Header([]byte("a\x00"), v) })
	f("NUL in attribute", ErrString, nil, func() { w.Attr(AttrQuery, []byte("\x00")) })
	f("NUL in certificate", nil, nil, func() { w.Attr(AttrSSLCert, []byte("\x00")) })
	f("NUL in attribute name", ErrString, nil, func() { w.ReqAttr("a\x00", v) })
	f("empty name", ErrString, nil, func() { w.Header(nil, v) })
	f("empty attribute name", ErrString, nil, func() { w.ReqAttr("", v) })
	f("name of 40959", nil, nil, func() { w.Header(make0(40959), v) })
	f("name of 40960", ErrString, nil, func() { w.Header(make0(40960), v) })
	f("value of 65534", ErrTooLarge, nil, func() { w.Header([]byte("a"), make0(65534)) })
	f("value of 65535", ErrString, nil, func() { w.Header([]byte("a"), make0(65535)) })
	f("uri of 65535", ErrString, func(l *Line) { l.URI = make0(65535) }, nil)
	f("attribute name of 65535", ErrString, nil, func() { w.ReqAttr(strings.Repeat("a", 65535), v) })
	f("header code 0", ErrCode, nil, func() { w.HeaderCode(0, v) })
	f("header code 14", nil, nil, func() { w.HeaderCode(14, v) })
	f("header code 15", ErrCode, nil, func() { w.HeaderCode(15, v) })
	for _, code := range []byte{0, AttrReqAttr, AttrKeySize, 0x0e, AttrEnd} {
		f("attribute code", ErrCode, nil, func() { w.Attr(code, v) })
	}
	f("good again", nil, nil, nil)
}

// TestWriterCodes: the 14 names become codes in any case, and nothing else does.
func TestWriterCodes(t *testing.T) {
	var w Writer
	f := func(name string, want byte) {
		t.Helper()
		w.Begin(nil, DefaultPacket, line())
		w.Header([]byte(name), []byte("v"))
		b, err := w.End()
		var r Request
		if err == nil {
			err = r.Parse(b[HeadLen:])
		}
		if err != nil || len(r.Headers) != 1 {
			t.Fatalf("%q: %v, %d headers", name, err, len(r.Headers))
		}
		if h := r.Headers[0]; h.Code != want || want == 0 && string(h.Name) != name || string(h.Value) != "v" {
			t.Errorf("%q: code %d, name %q, value %q; want code %d", name, h.Code, h.Name, h.Value, want)
		}
	}
	for code := 1; code < len(requestNames); code++ {
		name := string(requestNames[code])
		f(name, byte(code))
		f(strings.ToUpper(name), byte(code))
		f(strings.ToUpper(name[:1])+name[1:], byte(code))
		f(name+"x", 0)
		for i := range name {
			f(name[:i]+"~"+name[i+1:], 0)
		}
	}
	// The codes themselves, pinned to the protocol's list.
	f("accept", 1)
	f("accept-language", 4)
	f("content-type", 7)
	f("content-length", 8)
	f("host", 11)
	f("user-agent", 14)
	f("cookie", 9)
	f("x", 0)
	f("set-cookie", 0)
	f("content\x0elength"[:7], 0)
	if RequestHeaderCode([]byte("content\rtype")) != 0 || RequestHeaderCode(nil) != 0 {
		t.Error("bytes that differ by one bit only were taken for a name")
	}
}

// TestWriterNil: an absent host is null, an absent value is empty, never null.
func TestWriterNil(t *testing.T) {
	var w Writer
	l := line()
	w.Begin(nil, DefaultPacket, l)
	w.Header([]byte("x-nil"), nil)
	w.HeaderCode(ReqAccept, nil)
	w.Attr(AttrQuery, nil)
	b, err := w.End()
	var r Request
	if err == nil {
		err = r.Parse(b[HeadLen:])
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.RemoteHost != nil || r.Headers[0].Value == nil || r.Headers[1].Value == nil || r.Attributes[0].Value == nil {
		t.Errorf("nil became: %+v", r)
	}
	l.RemoteHost = []byte{}
	w.Begin(nil, DefaultPacket, l)
	if b, err = w.End(); err == nil {
		err = r.Parse(b[HeadLen:])
	}
	if err != nil || r.RemoteHost == nil {
		t.Errorf("empty remote host became null, %v", err)
	}
}

// TestWriterStoredMethod: End adds attribute 0D once, wherever the caller put it.
func TestWriterStoredMethod(t *testing.T) {
	var w Writer
	l := line()
	l.Method = []byte("PATCH")
	for _, own := range []bool{false, true} {
		w.Begin(nil, DefaultPacket, l)
		if own {
			w.Attr(AttrStoredMethod, l.Method)
		}
		b, err := w.End()
		var r Request
		if err == nil {
			err = r.Parse(b[HeadLen:])
		}
		if err != nil || string(r.Method) != "PATCH" || len(r.Attributes) != 1 || b[5] != 0xff {
			t.Errorf("own %t: %v, method %q, %d attributes", own, err, r.Method, len(r.Attributes))
		}
	}
}

func TestAppendAttrPanics(t *testing.T) {
	f := func(what string, do func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", what)
			}
		}()
		do()
	}
	f("long value", func() { AppendAttr(nil, AttrSecret, make0(65535)) })
	f("number", func() { AppendAttr(nil, AttrKeySize, nil) })
	f("end", func() { AppendAttr(nil, AttrEnd, nil) })
	f("long chunk", func() { AppendChunk(nil, make0(65532)) })
}
