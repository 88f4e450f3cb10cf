package ajp

import "testing"

// sampleRequest is a captured request of mod_jk with all it sends.
func sampleRequest(tb testing.TB) *Request {
	r := new(Request)
	if err := r.Parse(golden(tb)[25].steps[2].bytes[HeadLen:]); err != nil {
		tb.Fatal(err)
	}
	return r
}

var sampleSecret = AppendAttr(nil, AttrSecret, []byte("s3cret"))

// writeSample writes a request the way a proxy does: names as text, secret as block.
func writeSample(w *Writer, dst []byte, r *Request) []byte {
	w.Begin(AppendCPing(dst), DefaultPacket, &r.Line)
	for i := range r.Headers {
		w.Header(r.Headers[i].Name, r.Headers[i].Value)
	}
	w.Raw(sampleSecret)
	w.Attr(AttrQuery, r.URI)
	w.ReqAttr(NameRemotePort, r.ServerName)
	w.ReqAttr(NameLocalAddr, r.ServerName)
	w.KeySize(256)
	b, err := w.End()
	if err != nil {
		panic(err)
	}
	return b
}

// sampleAnswer is a whole answer as it comes from the socket: head, 1 KiB, end.
func sampleAnswer() []byte {
	b := AppendSendHeaders(nil, 200, "200", Field("Content-Type", "text/html;charset=UTF-8"),
		Field("Content-Length", "1024"), Field("Set-Cookie", "JSESSIONID=0123456789ABCDEF0123456789ABCDEF.tomcat1; Path=/; HttpOnly"),
		Field("Cache-Control", "no-cache"), Field("X-Request-Id", "0123456789abcdef"))
	b = AppendChunk(b, make([]byte, 1024))
	return AppendEnd(b, true)
}

// readAnswer takes an answer apart and returns the length of its body.
func readAnswer(b []byte, h *ResponseHead) (body int) {
	for {
		payload, n, _, err := Split(b, DefaultPacket)
		if err != nil || n == 0 {
			panic("split of a good answer")
		}
		b = b[n:]
		switch Type(payload[0]) {
		case SendHeaders:
			err = h.Parse(payload)
		case SendBodyChunk:
			var data []byte
			data, err = ParseChunk(payload)
			body += len(data)
		case EndResponse:
			if reuse, err := ParseEnd(payload); err != nil || !reuse {
				panic("end of a good answer")
			}
			return body
		}
		if err != nil {
			panic(err)
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	r := sampleRequest(b)
	var w Writer
	buf := make([]byte, 0, DefaultPacket)
	b.ReportAllocs()
	for b.Loop() {
		writeSample(&w, buf, r)
	}
}

func BenchmarkReadAnswer(b *testing.B) {
	answer := sampleAnswer()
	var h ResponseHead
	b.ReportAllocs()
	for b.Loop() {
		readAnswer(answer, &h)
	}
}

func BenchmarkResponseHeadParse(b *testing.B) {
	payload, _, _, _ := Split(sampleAnswer(), DefaultPacket)
	var h ResponseHead
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Parse(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRequestParse(b *testing.B) {
	payload := golden(b)[2].steps[0].bytes[HeadLen:]
	var r Request
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Parse(payload); err != nil {
			b.Fatal(err)
		}
	}
}
