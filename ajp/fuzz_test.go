package ajp

import (
	"bytes"
	"testing"
)

// FuzzSplit: an error and a packet never come together, a packet is what its head
// says, and what is needed is always more than what is there.
func FuzzSplit(f *testing.F) {
	packets(f, func(_ testing.TB, s step, _ bool) { f.Add(s.bytes, DefaultPacket) })
	f.Add([]byte("AB\xff\xfc"), MaxPacket)
	f.Fuzz(func(t *testing.T, b []byte, max int) {
		for _, split := range []func([]byte, int) ([]byte, int, int, error){Split, SplitRequest} {
			payload, n, need, err := split(b, max)
			switch {
			case err != nil:
				if payload != nil || n != 0 || need != 0 {
					t.Fatalf("%v together with n %d, need %d", err, n, need)
				}
			case n == 0:
				if payload != nil || need <= len(b) || need > MaxPacket {
					t.Fatalf("need %d with %d bytes there", need, len(b))
				}
			case n > len(b) || n > MaxPacket || need != 0 || !bytes.Equal(payload, b[HeadLen:n]):
				t.Fatalf("n %d of %d, payload of %d", n, len(b), len(payload))
			}
		}
	})
}

// FuzzResponse: what is accepted is clean, and writing it again gives the same bytes.
func FuzzResponse(f *testing.F) {
	packets(f, func(_ testing.TB, s step, _ bool) {
		if !s.out && len(s.bytes) > HeadLen {
			f.Add(s.bytes[HeadLen:])
		}
	})
	f.Add(raw(200, "OK", 2, str("x-a")+str("1")+"\xa0\x07\xff\xff"))
	f.Add([]byte("\x04\x00\xc8\xff\xff\x00\x00"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) == 0 || len(payload) > MaxPacket-HeadLen {
			return
		}
		fuzzHead(t, payload)
		again, err := reappend(payload)
		if err != nil {
			if again != nil {
				t.Fatalf("%v together with a result", err)
			}
			return
		}
		if got, ok := again[HeadLen:], payload; !bytes.Equal(got, ok) && !sameButForm(got, ok) {
			t.Fatalf("read %x, wrote %x", ok, got)
		}
	})
}

// fuzzHead checks that nothing got through that would end a field of an HTTP head.
func fuzzHead(t *testing.T, payload []byte) {
	var h ResponseHead
	if err := h.Parse(payload); err != nil {
		if h.Status != 0 || h.Message != nil || len(h.Fields) != 0 {
			t.Fatalf("%v together with a head", err)
		}
		return
	}
	if h.Status < 100 || h.Status > 999 || bytes.ContainsAny(h.Message, "\r\n\x00") || len(h.Fields) > MaxHeaders {
		t.Fatalf("accepted status %d, message %q, %d fields", h.Status, h.Message, len(h.Fields))
	}
	for _, f := range h.Fields {
		if len(f.Name) == 0 || bytes.ContainsAny(f.Name, "\r\n\x00 \t:") || bytes.ContainsAny(f.Value, "\r\n\x00") {
			t.Fatalf("accepted field %q: %q", f.Name, f.Value)
		}
	}
}

// sameButForm allows the two freedoms of the container: any byte but 0 means reuse,
// and a null message is written as an empty one.
func sameButForm(got, payload []byte) bool {
	switch Type(payload[0]) {
	case EndResponse:
		return len(got) == 2 && got[1] == 1 && payload[1] != 0
	case SendHeaders:
		return payload[3] == 0xff && payload[4] == 0xff && bytes.Equal(got[6:], payload[5:])
	}
	return false
}

// FuzzRequest: an error leaves nothing behind; a request survives Append, and it
// survives Writer unless Writer is the stricter of the two.
func FuzzRequest(f *testing.F) {
	packets(f, func(_ testing.TB, s step, _ bool) {
		if s.out && len(s.bytes) > HeadLen {
			f.Add(s.bytes[HeadLen:])
		}
	})
	f.Add(request(255, 1, "\xa0\x0b"+str("e"), "\x0d"+str("PATCH")+"\x0b\x00\x80\x0a"+str("n")+str("v")+"\xff"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if data, err := ParseBody(payload); err == nil && len(data) > len(payload) || err != nil && data != nil {
			t.Fatalf("body of %d bytes from %d, %v", len(data), len(payload), err)
		}
		var r, r2 Request
		if err := r.Parse(payload); err != nil {
			if r.Method != nil || len(r.Headers)+len(r.Attributes) != 0 {
				t.Fatalf("%v together with a request", err)
			}
			return
		}
		if n, err := r.BodyLength(); err != nil && n != 0 || n < -1 {
			t.Fatalf("body length %d, %v", n, err)
		}
		if len(payload) > MaxPacket-HeadLen {
			return
		}
		// Any byte but 0 says SSL, and where attribute 0D is there the method byte
		// says nothing: compare from the second writing on.
		first, err := r.Append(nil, MaxPacket)
		if err != nil {
			t.Fatal(err)
		}
		if err := r2.Parse(first[HeadLen:]); err != nil {
			t.Fatalf("parse again: %v", err)
		}
		second, err := r2.Append(nil, MaxPacket)
		if err != nil || !bytes.Equal(first, second) || len(first) != HeadLen+len(payload) {
			t.Fatalf("read %x\nwrote %x\nthen %x, %v", payload, first, second, err)
		}
		written, err := rewrite(&Writer{}, nil, MaxPacket, &r)
		if err != nil {
			return
		}
		if err := r2.Parse(written[HeadLen:]); err != nil {
			t.Fatalf("parse what Writer wrote: %v", err)
		}
		if !bytes.Equal(r2.Method, r.Method) || !bytes.Equal(r2.URI, r.URI) || len(r2.Headers) != len(r.Headers) {
			t.Fatalf("Writer changed the request: %+v, was %+v", r2, r)
		}
	})
}
