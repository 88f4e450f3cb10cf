package canned

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp4", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestHTTP(t *testing.T) {
	for _, size := range []int{0, 1024, 3 << 20} {
		s := start(t, Options{Protocol: HTTP, Size: size})
		client := &http.Client{Transport: &http.Transport{}}
		for i, body := range []string{"", "x", strings.Repeat("y", 2<<20), ""} {
			var in io.Reader
			if body != "" {
				in = strings.NewReader(body)
			}
			request, err := http.NewRequest("POST", "http://"+s.Addr().String()+"/", in)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != 200 || !bytes.Equal(got, pattern(size)) {
				t.Fatalf("size %d, request %d: %s, %d bytes, %v", size, i, answer.Status, len(got), err)
			}
		}
		client.CloseIdleConnections()
		if s.Served() != 4 {
			t.Errorf("served %d, want 4", s.Served())
		}
	}
}

func TestHTTPPipelineAndPieces(t *testing.T) {
	s := start(t, Options{Protocol: HTTP, Size: 3})
	c := dial(t, s)
	request := "POST / HTTP/1.1\r\nHost: h\r\ncontent-LENGTH: 4\r\n\r\nbody"
	for _, b := range []byte(request) {
		if _, err := c.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(c, request+request); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 3*len(s.answer))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, bytes.Repeat(s.answer, 3)) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRefused(t *testing.T) {
	f := func(p Protocol, request string) {
		t.Helper()
		s := start(t, Options{Protocol: p, Size: 3})
		c := dial(t, s)
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(c); len(got) != 0 || s.Served() != 0 {
			t.Errorf("%q: answered %q", request[:min(len(request), 60)], got)
		}
	}
	f(HTTP, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
	f(HTTP, "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n")
	f(HTTP, strings.Repeat("x", 300<<10))
	f(AJP, "GET / HTTP/1.1\r\n\r\n")
	f(AJP, "\x12\x34\x00\x00")
	f(AJP, "\x12\x34\x00\x01\x07")         // shutdown
	f(AJP, "\x12\x34\x00\x03\x02\x02\x00") // ends in the protocol string
}

// forward is a request for GET / as mod_jk 1.2.48 lays it out, with a host and,
// if it is not negative, a content length.
func forward(length int) []byte {
	p := []byte{typeForward, 2}
	for _, s := range []string{"HTTP/1.1", "/", "127.0.0.1"} {
		p = ajpString(p, s)
	}
	p = append(p, 0xff, 0xff) // no remote host
	p = ajpString(p, "localhost")
	p = append(p, 0, 80, 0)
	headers := [][2]string{{"x-thing", "1"}}
	p = append(p, 0, byte(len(headers)+1))
	if length >= 0 {
		p[len(p)-1]++
	}
	p = ajpString(append(p, 0xa0, 0x0b), "localhost")
	p = ajpString(ajpString(p, headers[0][0]), headers[0][1])
	if length >= 0 {
		p = ajpString(append(p, 0xa0, 0x08), fmt.Sprint(length))
	}
	p = append(p, 0xff)
	b := []byte{0x12, 0x34}
	b = binary.BigEndian.AppendUint16(b, uint16(len(p)))
	return append(b, p...)
}

func TestAJPAnswerBytes(t *testing.T) {
	s := start(t, Options{Protocol: AJP, Size: 3})
	c := dial(t, s)
	if _, err := c.Write(forward(-1)); err != nil {
		t.Fatal(err)
	}
	want := "4142002d" + "04" + "00c8" + "0003" + hex.EncodeToString([]byte("200")) + "00" + "0002" +
		"a001" + "0017" + hex.EncodeToString([]byte("text/html;charset=UTF-8")) + "00" +
		"a003" + "0001" + "33" + "00" +
		"41420007" + "03" + "0003" + "616263" + "00" +
		"41420002" + "05" + "01"
	got := make([]byte, len(want)/2)
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	if hex.EncodeToString(got) != want {
		t.Errorf("answer\n%x, want\n%s", got, want)
	}
	if _, err := c.Write([]byte("\x12\x34\x00\x01\x0a")); err != nil {
		t.Fatal(err)
	}
	pong := make([]byte, 5)
	if _, err := io.ReadFull(c, pong); err != nil || string(pong) != "AB\x00\x01\x09" {
		t.Errorf("pong %x, %v", pong, err)
	}
}

func TestAJPLargeAnswerAndUpload(t *testing.T) {
	const size, upload = 3 << 20, 20000
	for _, packetSize := range []int{0, 65536} {
		s := start(t, Options{Protocol: AJP, Size: size, PacketSize: packetSize})
		limit := s.options.PacketSize
		c := dial(t, s)
		if _, err := c.Write(forward(upload)); err != nil {
			t.Fatal(err)
		}
		var body []byte
		send, left, ended := min(upload, limit-6), upload, false
		for !ended {
			if send > 0 {
				p := append([]byte{0x12, 0x34, byte((send + 2) >> 8), byte(send + 2), byte(send >> 8), byte(send)}, make([]byte, send)...)
				if _, err := c.Write(p); err != nil {
					t.Fatal(err)
				}
				left -= send
				send = 0
			}
			head := make([]byte, 4)
			if _, err := io.ReadFull(c, head); err != nil {
				t.Fatal(err)
			}
			n := int(binary.BigEndian.Uint16(head[2:]))
			if n+4 > limit {
				t.Fatalf("packet of %d bytes, limit %d", n+4, limit)
			}
			p := make([]byte, n)
			if _, err := io.ReadFull(c, p); err != nil {
				t.Fatal(err)
			}
			switch p[0] {
			case typeGetBodyChunk:
				if send = int(binary.BigEndian.Uint16(p[1:])); send > left || send > limit-6 {
					t.Fatalf("asks for %d of %d", send, left)
				}
			case typeSendChunk:
				body = append(body, p[3:3+binary.BigEndian.Uint16(p[1:])]...)
			case typeEndResponse:
				ended = true
			}
		}
		if left != 0 || !bytes.Equal(body, pattern(size)) {
			t.Errorf("packet size %d: %d bytes not asked for, body of %d bytes", limit, left, len(body))
		}
	}
}

func TestForwardLength(t *testing.T) {
	whole := forward(1234)[4:]
	if n, ok := forwardLength(whole); n != 1234 || !ok {
		t.Fatalf("%d, %v", n, ok)
	}
	if n, ok := forwardLength(forward(-1)[4:]); n != 0 || !ok {
		t.Errorf("without length: %d, %v", n, ok)
	}
	// The last byte ends the attribute list, which is not looked at.
	for i := range len(whole) - 1 {
		if _, ok := forwardLength(whole[:i]); ok {
			t.Errorf("prefix of %d bytes: accepted", i)
		}
	}
}

func FuzzForwardLength(f *testing.F) {
	f.Add(forward(1234)[4:])
	f.Add(forward(-1)[4:])
	f.Fuzz(func(t *testing.T, p []byte) {
		if n, _ := forwardLength(p); n < 0 {
			t.Fatalf("length %d", n)
		}
	})
}

func FuzzBodyLength(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n"))
	f.Add([]byte("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		if n, ok := bodyLength(head); n < 0 || !ok && n != 0 {
			t.Fatalf("length %d, %v", n, ok)
		}
	})
}

func TestStartRefuses(t *testing.T) {
	for _, o := range []Options{{Size: -1}, {Protocol: AJP, PacketSize: 8191}, {Protocol: AJP, PacketSize: 65537}} {
		if s, err := Start(o); err == nil {
			s.Close()
			t.Errorf("%+v: accepted", o)
		}
	}
}
