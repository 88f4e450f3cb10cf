package ajp

import (
	"bytes"
	"strings"
	"testing"
)

// raw makes a SEND_HEADERS payload around already encoded headers.
func raw(status int, message string, count int, headers string) []byte {
	b := []byte{byte(SendHeaders), byte(status >> 8), byte(status)}
	b = appendString(b, message)
	b = append(b, byte(count>>8), byte(count))
	return append(b, headers...)
}

func str(s string) string { return string(appendString(nil, s)) }

func TestResponseHeadRefuses(t *testing.T) {
	h := ResponseHead{}
	f := func(what string, payload []byte, want error) {
		t.Helper()
		if err := h.Parse(payload); err != want {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		if want != nil && (h.Status != 0 || h.Message != nil || len(h.Fields) != 0) {
			t.Errorf("%s: refused, but left %d %q %d", what, h.Status, h.Message, len(h.Fields))
		}
	}
	ok := str("X-A") + str("1")
	f("good", raw(200, "OK", 1, ok), nil)
	f("no headers", raw(204, "", 0, ""), nil)
	f("null message", []byte("\x04\x00\xc8\xff\xff\x00\x00"), nil)
	f("empty", nil, ErrShort)
	f("other type", append([]byte{5}, raw(200, "OK", 0, "")[1:]...), ErrType)
	f("status 99", raw(99, "OK", 0, ""), ErrStatus)
	f("status 100", raw(100, "OK", 0, ""), nil)
	f("status 999", raw(999, "OK", 0, ""), nil)
	f("status 1000", raw(1000, "OK", 0, ""), ErrStatus)
	f("status 0", raw(0, "OK", 0, ""), ErrStatus)
	for _, c := range []string{"\r", "\n", "\x00"} {
		f("message with break", raw(200, "O"+c+"K", 0, ""), ErrText)
		f("value with break", raw(200, "OK", 1, str("X-A")+str("1"+c+"2")), ErrText)
		f("coded value with break", raw(200, "OK", 1, "\xa0\x06"+str("/"+c)), ErrText)
		f("name with break", raw(200, "OK", 1, str("X"+c+"A")+str("1")), ErrName)
	}
	for _, name := range []string{"", " X", "X ", "X:", "X\t", "X\x7f", "X\xe4", "X\x01", "(X)", "a,b"} {
		f("name "+name, raw(200, "OK", 1, str(name)+str("1")), ErrName)
	}
	f("null name", raw(200, "OK", 1, "\xff\xff"+str("1")), ErrName)
	f("code 0", raw(200, "OK", 1, "\xa0\x00"+str("1")), ErrHeaderCode)
	f("code 12", raw(200, "OK", 1, "\xa0\x0c"+str("1")), ErrHeaderCode)
	f("code 255", raw(200, "OK", 1, "\xa0\xff"+str("1")), ErrHeaderCode)
	f("code 11", raw(200, "OK", 1, "\xa0\x0b"+str("1")), nil)
	f("no terminator of the message", []byte("\x04\x00\xc8\x00\x02OKx\x00\x00"), ErrTerminator)
	f("no terminator of a value", raw(200, "OK", 1, str("X-A")+"\x00\x011x"), ErrTerminator)
	f("no terminator of a name", raw(200, "OK", 1, "\x00\x03X-Ax"+str("1")), ErrTerminator)
	f("one header too few", raw(200, "OK", 2, ok), ErrShort)
	f("one header too many", raw(200, "OK", 1, ok+ok), ErrTrailing)
	f("byte behind", raw(200, "OK", 1, ok+"\x00"), ErrTrailing)
	f("absurd count", raw(200, "OK", 65535, ok), ErrCount)
	f("1000 headers", raw(200, "OK", 1000, strings.Repeat(ok, 1000)), nil)
	f("1001 headers", raw(200, "OK", 1001, strings.Repeat(ok, 1001)), ErrCount)
}

func TestResponseHeadFields(t *testing.T) {
	var h ResponseHead
	payload := raw(302, "Found", 4, "\xa0\x06"+str("/x")+str("x-b")+str("\xe4\x01 ")+"\xa0\x07\xff\xff"+str("Content-Length")+str(""))
	for range 2 { // a head used again keeps nothing of the last response
		if err := h.Parse(payload); err != nil || len(h.Fields) != 4 {
			t.Fatalf("%d fields, %v", len(h.Fields), err)
		}
	}
	f := func(i int, name, value string, code byte, null bool) {
		t.Helper()
		g := h.Fields[i]
		if string(g.Name) != name || string(g.Value) != value || g.Code != code || (g.Value == nil) != null {
			t.Errorf("field %d: %q %q code %d", i, g.Name, g.Value, g.Code)
		}
	}
	f(0, "Location", "/x", RespLocation, false)
	f(1, "x-b", "\xe4\x01 ", 0, false) // bytes above 7f and controls pass: the HTTP side decides
	f(2, "Set-Cookie", "", RespSetCookie, true)
	f(3, "Content-Length", "", 0, false)
	if got := h.Append(nil); !bytes.Equal(got[HeadLen:], payload) {
		t.Errorf("append: %x, want %x", got[HeadLen:], payload)
	}
	if code := ResponseHeaderCode([]byte("content-LENGTH")); code != RespContentLength {
		t.Errorf("code of content-LENGTH: %d", code)
	}
	for code := 1; code < len(responseNames); code++ {
		if got := Field(string(responseNames[code]), "v"); int(got.Code) != code {
			t.Errorf("Field(%q): code %d, want %d", responseNames[code], got.Code, code)
		}
	}
	if Field("X-Date", "").Code != 0 || Field("Dat\x05", "").Code != 0 {
		t.Error("a name without a code got one")
	}
}

func TestChunk(t *testing.T) {
	f := func(payload, data string, want error) {
		t.Helper()
		got, err := ParseChunk([]byte(payload))
		if string(got) != data || err != want {
			t.Errorf("ParseChunk(%q): %q, %v; want %q, %v", payload, got, err, data, want)
		}
	}
	f("\x03\x00\x02ok\x00", "ok", nil)
	f("\x03\x00\x00\x00", "", nil) // flush
	f("\x03\x00\x02ok", "", ErrChunk)
	f("\x03\x00\x02ok\x00\x00", "", ErrChunk)
	f("\x03\x00\x03ok\x00", "", ErrChunk)
	f("\x03\x00\x01ok\x00", "", ErrChunk)
	f("\x03\xff\xffok\x00", "", ErrChunk)
	f("\x03\x00\x02okx", "", ErrTerminator)
	f("\x03\x00\x00", "", ErrChunk)
	f("\x04\x00\x02ok\x00", "", ErrType)
	f("", "", ErrChunk)

	g := func(b string, length, n int, ok bool, want error) {
		t.Helper()
		if gotN, gotOK, err := ChunkHeader([]byte(b), length); gotN != n || gotOK != ok || err != want {
			t.Errorf("ChunkHeader(%q, %d): %d, %t, %v", b, length, gotN, gotOK, err)
		}
	}
	g("", 10, 0, false, nil)
	g("\x03", 10, 0, false, nil)
	g("\x03\x00", 10, 0, false, nil)
	g("\x03\x00\x06", 10, 6, true, nil)
	g("\x03\x00\x07", 10, 0, false, ErrChunk)
	g("\x03\x00\x05", 10, 0, false, ErrChunk)
	g("\x04", 10, 0, false, ErrType)
	g("\x03", 3, 0, false, ErrChunk)
	g("\x03\xff\xf8", 65532, 65528, true, nil)
}

func TestEndAndGetBody(t *testing.T) {
	f := func(payload string, reuse bool, want error) {
		t.Helper()
		if got, err := ParseEnd([]byte(payload)); got != reuse || err != want {
			t.Errorf("ParseEnd(%q): %t, %v; want %t, %v", payload, got, err, reuse, want)
		}
	}
	f("\x05\x01", true, nil)
	f("\x05\x00", false, nil)
	f("\x05\xff", true, nil) // any byte but 0 is true
	f("\x05", false, ErrShort)
	f("\x05\x01\x00", false, ErrTrailing)
	f("\x06\x01", false, ErrType)

	g := func(payload string, want int, wantErr error) {
		t.Helper()
		if got, err := ParseGetBody([]byte(payload)); got != want || err != wantErr {
			t.Errorf("ParseGetBody(%q): %d, %v; want %d, %v", payload, got, err, want, wantErr)
		}
	}
	g("\x06\x1f\xfa", 8186, nil)
	g("\x06\xff\xff", 65535, nil)
	g("\x06\x00\x01", 1, nil)
	g("\x06\x00\x00", 0, ErrWant)
	g("\x06\x00", 0, ErrShort)
	g("\x06\x00\x01\x00", 0, ErrTrailing)
	g("\x05\x00\x01", 0, ErrType)
}
