package ajp

import (
	"bytes"
	"strings"
	"testing"
)

// request makes a FORWARD_REQUEST payload: method code, headers and attributes already
// encoded.
func request(method byte, count int, headers, attributes string) []byte {
	b := []byte{byte(ForwardRequest), method}
	b = append(b, str("HTTP/1.1")+str("/a")+str("192.0.2.1")+"\xff\xff"+str("e")+"\x00\x50\x00"...)
	b = append(b, byte(count>>8), byte(count))
	return append(b, headers+attributes...)
}

func TestRequestRefuses(t *testing.T) {
	var r Request
	f := func(what string, payload []byte, want error) {
		t.Helper()
		if err := r.Parse(payload); err != want {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		if want != nil && (r.Method != nil || r.URI != nil || len(r.Headers)+len(r.Attributes) != 0) {
			t.Errorf("%s: refused, but left %+v", what, r)
		}
	}
	host := "\xa0\x0b" + str("e")
	f("good", request(2, 1, host, "\xff"), nil)
	f("empty", nil, ErrShort)
	f("type 1", append([]byte{1}, request(2, 1, host, "\xff")[1:]...), ErrType)
	f("method 0", request(0, 1, host, "\xff"), ErrMethod)
	f("method 27", request(27, 1, host, "\xff"), nil)
	f("method 28", request(28, 1, host, "\xff"), ErrMethod)
	f("method 254", request(254, 1, host, "\xff"), ErrMethod)
	f("stored method missing", request(255, 1, host, "\xff"), ErrMethod)
	f("stored method", request(255, 1, host, "\x0d"+str("PATCH")+"\xff"), nil)
	f("stored method wins", request(28, 1, host, "\x0d"+str("PATCH")+"\xff"), nil)
	f("stored method empty", request(255, 1, host, "\x0d"+str("")+"\xff"), ErrMethod)
	f("stored method null", request(255, 1, host, "\x0d\xff\xff\xff"), ErrMethod)
	f("stored method no token", request(255, 1, host, "\x0d"+str("GET /")+"\xff"), ErrMethod)
	f("header name empty", request(2, 1, str("")+str("v"), "\xff"), ErrName)
	f("header name no token", request(2, 1, str("a b")+str("v"), "\xff"), ErrName)
	f("header code 0", request(2, 1, "\xa0\x00"+str("v"), "\xff"), ErrHeaderCode)
	f("header code 15", request(2, 1, "\xa0\x0f"+str("v"), "\xff"), ErrHeaderCode)
	f("header value null", request(2, 1, str("a")+"\xff\xff", "\xff"), nil)
	f("header value CR LF", request(2, 1, str("a")+str("v\r\nb: c"), "\xff"), ErrText)
	f("1001 headers", request(2, 1001, strings.Repeat(host, 1001), "\xff"), ErrCount)
	f("header count too small", request(2, 0, host, "\xff"), ErrAttribute)
	f("header count too large", request(2, 2, host, "\xff"), ErrCount)
	f("attributes not ended", request(2, 1, host, ""), ErrShort)
	f("bytes behind the end", request(2, 1, host, "\xff\x00"), ErrTrailing)
	f("attribute 0", request(2, 1, host, "\x00"+str("v")+"\xff"), ErrAttribute)
	f("attribute 0E", request(2, 1, host, "\x0e"+str("v")+"\xff"), ErrAttribute)
	f("attribute FE", request(2, 1, host, "\xfe\xff"), ErrAttribute)
	f("attribute without value", request(2, 1, host, "\x05\xff"), ErrShort)
	f("attribute with LF", request(2, 1, host, "\x05"+str("a\nb")+"\xff"), ErrText)
	f("certificate with LF and NUL", request(2, 1, host, "\x07"+str("a\n\x00b")+"\xff"), nil)
	f("request attribute without name", request(2, 1, host, "\x0a"+str("")+str("v")+"\xff"), ErrName)
	f("request attribute with null name", request(2, 1, host, "\x0a\xff\xff"+str("v")+"\xff"), ErrName)
	f("key size as string", request(2, 1, host, "\x0b"+str("128")+"\xff"), ErrAttribute)
	f("null protocol", append([]byte("\x02\x02\xff\xff"), request(2, 1, host, "\xff")[2+11:]...), ErrNull)
	f("uri with NUL", bytes.Replace(request(2, 1, host, "\xff"), []byte("/a"), []byte("/\x00"), 1), ErrText)
}

// TestRequestReuse: a Request used again keeps nothing of the last one.
func TestRequestReuse(t *testing.T) {
	var r Request
	payload := request(2, 1, "\xa0\x0b"+str("e"), "\x05"+str("q")+"\xff")
	for range 2 {
		if err := r.Parse(payload); err != nil || len(r.Headers) != 1 || len(r.Attributes) != 1 {
			t.Fatalf("%d headers, %d attributes, %v", len(r.Headers), len(r.Attributes), err)
		}
	}
}

func TestRequestMethods(t *testing.T) {
	// Two methods of the middle are pinned by hand: a shifted table must not pass.
	for code, want := range map[byte]string{6: "DELETE", 8: "PROPFIND", 17: "VERSION-CONTROL", 27: "MKACTIVITY"} {
		if got := MethodCode([]byte(want)); got != code {
			t.Errorf("MethodCode(%s): %d, want %d", want, got, code)
		}
	}
	for code := 1; code < len(methods); code++ {
		var r Request
		if err := r.Parse(request(byte(code), 0, "", "\xff")); err != nil {
			t.Fatalf("method %d: %v", code, err)
		}
		if got := MethodCode(r.Method); int(got) != code {
			t.Errorf("MethodCode(%s): %d, want %d", r.Method, got, code)
		}
	}
	for _, m := range []string{"", "get", "PATCH", "GETT", "CONNECT"} {
		if got := MethodCode([]byte(m)); got != 0 {
			t.Errorf("MethodCode(%q): %d, want 0", m, got)
		}
	}
}

func TestRequestBodyLength(t *testing.T) {
	f := func(want int64, wantErr error, headers ...HeaderField) {
		t.Helper()
		r := Request{Headers: headers}
		if got, err := r.BodyLength(); got != want || err != wantErr {
			t.Errorf("BodyLength of %q: %d, %v; want %d, %v", headers, got, err, want, wantErr)
		}
	}
	coded := func(v string) HeaderField { return HeaderField{Code: ReqContentLength, Value: []byte(v)} }
	spelled := func(n, v string) HeaderField { return HeaderField{Name: []byte(n), Value: []byte(v)} }
	f(-1, nil)
	f(-1, nil, spelled("Transfer-Encoding", "chunked"))
	f(0, nil, coded("0"))
	f(5, nil, coded("5"))
	f(5, nil, spelled("CONTENT-length", "005"))
	f(1<<63-1, nil, coded("9223372036854775807"))
	for _, bad := range []string{"", "abc", "-1", "+5", " 5", "5 ", "5, 5", "0x5", "1_0", "9223372036854775808", "99999999999999999999"} {
		f(0, ErrFraming, coded(bad))
	}
	f(0, ErrFraming, coded("5"), coded("5"))
	f(0, ErrFraming, coded("5"), spelled("content-length", "6"))
	f(0, ErrFraming, coded("5"), spelled("transfer-encoding", "chunked"))
	f(0, ErrFraming, spelled("transfer-encoding", "chunked"), coded("5"))
}

func TestRequestAuthorized(t *testing.T) {
	f := func(want bool, secret string, sent ...string) {
		t.Helper()
		var r Request
		for _, s := range sent {
			r.Attributes = append(r.Attributes, Attribute{Code: AttrSecret, Value: []byte(s)})
		}
		if got := r.Authorized(secret); got != want {
			t.Errorf("Authorized(%q) with %q: %t", secret, sent, got)
		}
	}
	f(true, "")
	f(true, "", "x")
	f(true, "x", "x")
	f(true, "x", "x", "x")
	f(false, "x")
	f(false, "x", "")
	f(false, "x", "y")
	f(false, "x", "x", "y") // one wrong occurrence is enough, in any order
	f(false, "x", "y", "x")
	f(false, "x", "xx")
}

func TestRequestAppendTooLarge(t *testing.T) {
	r := Request{Line: Line{Method: []byte("GET"), Protocol: []byte("HTTP/1.1"), URI: make([]byte, 9000)}}
	if b, err := r.Append([]byte("x"), DefaultPacket); string(b) != "x" || err != ErrTooLarge {
		t.Errorf("append of a large request: %d bytes, %v", len(b), err)
	}
	if _, err := r.Append(nil, MaxPacket); err != nil {
		t.Errorf("append with the largest packet size: %v", err)
	}
}
