package realtomcat

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"
)

// handshake of RFC 6455 section 1.2, with the example key and the answer it must have.
const (
	webSocketKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	webSocketAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// webSocket: AJP cannot upgrade, so a member with an HTTP connector as well gets the
// upgrade there; one with AJP alone cannot take it.
func webSocket(t *testing.T, f *farm) {
	for _, pool := range []string{"both", "http"} {
		c := f.dial(t)
		r := bufio.NewReader(c)
		write(t, c, upgrade(pool))
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Accept") != webSocketAccept {
			body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // for the message only
			t.Fatalf("%s: status %s, accept %q, want 101 and %q: %s", pool, resp.Status, resp.Header.Get("Sec-WebSocket-Accept"), webSocketAccept, body)
		}
		// RFC 6455 section 5: a final text frame, masked with zeros as a client must mask.
		message := "through the tunnel"
		write(t, c, "\x81"+string([]byte{0x80 | byte(len(message)), 0, 0, 0, 0})+message)
		echo := make([]byte, 2+len(message))
		if _, err := io.ReadFull(r, echo); err != nil {
			t.Fatalf("%s: read the echo: %v", pool, err)
		}
		if want := append([]byte{0x81, byte(len(message))}, message...); !bytes.Equal(echo, want) {
			t.Errorf("%s: echo %q, want %q", pool, echo, want)
		}
		// A close frame is answered with one (RFC 6455 section 5.5.1), then all is over.
		write(t, c, "\x88\x82\x00\x00\x00\x00\x03\xe8")
		rest, err := io.ReadAll(r)
		if err != nil || len(rest) < 4 || rest[0] != 0x88 {
			t.Errorf("%s: after the close frame: % x, %v", pool, rest, err)
		}
	}
	c := f.dial(t)
	write(t, c, upgrade("plain"))
	if p := answer(t, bufio.NewReader(c), http.MethodGet); p.status != http.StatusNotImplemented {
		t.Errorf("plain: an upgrade over AJP alone: status %d, want 501: %s", p.status, p.body)
	}
}

func upgrade(pool string) string {
	return "GET /ws/websocket/echoProgrammatic HTTP/1.1\r\nHost: " + pool + ".test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + webSocketKey + "\r\n\r\n"
}
