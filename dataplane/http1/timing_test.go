package http1

import "testing"

// A head as a browser sends it to an application behind a login page.
const browserGet = "GET /app/cart/view.jsp?item=42&lang=de HTTP/1.1\r\n" +
	"Host: shop.example.org\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: de,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Referer: https://shop.example.org/app/\r\n" +
	"Connection: keep-alive\r\n" +
	"Cookie: JSESSIONID=9F1C2B7D4E6A8F00112233445566778.tomcat1; theme=dark\r\n" +
	"Upgrade-Insecure-Requests: 1\r\n" +
	"Sec-Fetch-Dest: document\r\n" +
	"Cache-Control: max-age=0\r\n" +
	"Priority: u=1\r\n\r\n"

// A head as a Tomcat answers with.
const tomcatAnswer = "HTTP/1.1 200 \r\n" +
	"Set-Cookie: JSESSIONID=9F1C2B7D4E6A8F00112233445566778.tomcat1; Path=/app; HttpOnly\r\n" +
	"Content-Type: text/html;charset=UTF-8\r\n" +
	"Content-Length: 1024\r\n" +
	"Date: Mon, 01 Jun 2026 10:00:00 GMT\r\n" +
	"Keep-Alive: timeout=20\r\n" +
	"Connection: keep-alive\r\n\r\n"

func BenchmarkRequest(b *testing.B) {
	head := []byte(browserGet)
	b.SetBytes(int64(len(head)))
	b.ReportAllocs()
	var r Request
	for b.Loop() {
		if end := HeadEnd(head, 0); end != len(head) {
			b.Fatal(end)
		}
		if rej := r.Parse(head); !rej.OK() {
			b.Fatal(rej)
		}
	}
}

func BenchmarkRequestParse(b *testing.B) {
	head := []byte(browserGet)
	b.ReportAllocs()
	var r Request
	for b.Loop() {
		r.Parse(head)
	}
}

func BenchmarkResponse(b *testing.B) {
	head := []byte(tomcatAnswer)
	b.ReportAllocs()
	var r Response
	for b.Loop() {
		if rej := r.Parse(head); !rej.OK() {
			b.Fatal(rej)
		}
	}
}

func BenchmarkNormalize(b *testing.B) {
	plain, odd := []byte("/app/cart/view.jsp"), []byte("/app/%63art/./view.jsp;jsessionid=1F.tomcat1")
	dst := make([]byte, 0, 256)
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Normalize(dst, plain)
		}
	})
	b.Run("odd", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Normalize(dst, odd)
		}
	})
}

func BenchmarkChunked(b *testing.B) {
	body := append(AppendChunkHeader(nil, 8000), make([]byte, 8000)...)
	body = append(body, "\r\n0\r\n\r\n"...)
	b.ReportAllocs()
	var d Chunked
	for b.Loop() {
		d.Reset()
		for rest, done := body, false; !done; {
			var n int
			_, n, done, _ = d.Next(rest)
			rest = rest[n:]
		}
	}
}
