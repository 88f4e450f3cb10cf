package http1

import (
	"bytes"
	"testing"
)

// What is accepted, written down again as a proxy writes it, must read as the
// same single message: that is the promise of this package.
func FuzzRequest(f *testing.F) {
	for _, c := range readCorpus(f, "requests.txt", 1) {
		f.Add(c.raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := raw[SkipEmpty(raw):]
		end := HeadEnd(b, 0)
		if end == 0 {
			return
		}
		before := bytes.Clone(b)
		var r Request
		rej := r.Parse(b[:end])
		if !bytes.Equal(before, b) {
			t.Fatalf("Parse changed %q to %q", before, b)
		}
		if !rej.OK() {
			if rej.Status < 400 || rej.Status > 599 || rej.Reason == "" {
				t.Fatalf("rejection %+v", rej)
			}
			return
		}
		if !bytes.HasSuffix(b[:end], []byte("\r\n\r\n")) || bytes.Count(b[:end], []byte("\n")) != len(r.Fields)+2 {
			t.Fatalf("%d fields from %q", len(r.Fields), b[:end])
		}
		if r.Chunked && (r.Length >= 0 || r.Minor == 0) || r.Minor == 1 && r.Host == nil ||
			r.UpgradeWebSocket && (r.Chunked || r.Length > 0) || len(r.Path) == 0 {
			t.Fatalf("%q reads %+v", b[:end], r)
		}
		again := writeRequest(&r)
		if HeadEnd(again, 0) != len(again) {
			t.Fatalf("%q goes on as more than one head: %q", b[:end], again)
		}
		var o Request
		if rej := o.Parse(again); !rej.OK() {
			t.Fatalf("%q goes on as %q, which is refused: %v", b[:end], again, rej)
		}
		if o.Length != r.Length || o.Chunked != r.Chunked || !bytes.Equal(o.Path, r.Path) ||
			!bytes.Equal(o.Query, r.Query) || !bytes.Equal(o.Method, r.Method) {
			t.Fatalf("%q goes on as %q, which reads otherwise", b[:end], again)
		}
	})
}

func writeRequest(r *Request) []byte {
	b := append(bytes.Clone(r.Method), ' ')
	b = append(b, r.Path...)
	if r.Query != nil {
		b = append(append(b, '?'), r.Query...)
	}
	b = append(b, " HTTP/1.1\r\n"...)
	host := r.Host
	if host == nil {
		host = []byte("none")
	}
	b = appendField(b, []byte("Host"), host)
	if r.Chunked {
		b = appendField(b, []byte("Transfer-Encoding"), []byte("chunked"))
	}
	for i := range r.Fields {
		if f := &r.Fields[i]; !f.Drop && f.ID != Host {
			b = appendField(b, f.Name, f.Value)
		}
	}
	return append(b, '\r', '\n')
}

func appendField(b, name, value []byte) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, value...), '\r', '\n')
}

func FuzzResponse(f *testing.F) {
	for _, c := range readCorpus(f, "responses.txt", 1) {
		f.Add(c.raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		end := HeadEnd(raw, 0)
		if end == 0 {
			return
		}
		before := bytes.Clone(raw)
		var r Response
		rej := r.Parse(raw[:end])
		if !bytes.Equal(before, raw) {
			t.Fatalf("Parse changed %q to %q", before, raw)
		}
		if !rej.OK() {
			if rej.Status != 502 || rej.Reason == "" {
				t.Fatalf("rejection %+v", rej)
			}
			return
		}
		if r.Chunked && r.Length >= 0 || r.Status < 100 || r.Status > 999 ||
			r.Upgrade != (r.Status == 101) || r.UntilClose(false) && r.NoBody(false) {
			t.Fatalf("%q reads %+v", raw[:end], r)
		}
		again := []byte("HTTP/1.1 ")
		again = append(again, byte(r.Status/100)+'0', byte(r.Status/10%10)+'0', byte(r.Status%10)+'0', ' ')
		again = append(append(again, r.Reason...), "\r\n"...)
		if r.Chunked {
			again = appendField(again, []byte("Transfer-Encoding"), []byte("chunked"))
		}
		if r.Upgrade {
			again = appendField(again, []byte("Connection"), []byte("upgrade"))
			again = appendField(again, []byte("Upgrade"), []byte("websocket"))
		}
		for i := range r.Fields {
			if f := &r.Fields[i]; !f.Drop {
				again = appendField(again, f.Name, f.Value)
			}
		}
		again = append(again, "\r\n"...)
		var o Response
		if rej := o.Parse(again); HeadEnd(again, 0) != len(again) || !rej.OK() {
			t.Fatalf("%q goes on as %q: %v", raw[:end], again, rej)
		}
		// A length that is not passed on is one that says nothing.
		if o.Chunked != r.Chunked || o.Length != r.Length && !r.NoBody(false) || o.Status != r.Status {
			t.Fatalf("%q goes on as %q, which reads otherwise", raw[:end], again)
		}
	})
}

// However the bytes come, the same body and the same verdict come out.
func FuzzChunked(f *testing.F) {
	for _, c := range readCorpus(f, "chunked.txt", 1) {
		f.Add(c.raw, uint16(len(c.raw)/2), uint16(3))
	}
	f.Fuzz(func(t *testing.T, raw []byte, first, second uint16) {
		if len(raw) > 4096 {
			return
		}
		once := readChunked(t, raw)
		if got := readChunked(t, raw, everyByte(len(raw))...); got != once {
			t.Fatalf("%q\n byte by byte %s\n at once      %s", raw, got, once)
		}
		a, b := int(first)%(len(raw)+1), int(second)%(len(raw)+1)
		if got := readChunked(t, raw, min(a, b), max(a, b)); got != once {
			t.Fatalf("%q cut at %d and %d\n in parts %s\n at once  %s", raw, a, b, got, once)
		}
	})
}
