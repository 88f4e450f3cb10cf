package tomcat

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
)

// hijacked is implemented by both kinds of ResponseWriter: it hands out the connection.
// Over AJP the answer to the running request is given up with it.
type hijacked interface{ grab() net.Conn }

// grab takes the connection away from whoever serves it. Nil when that is impossible.
func grab(w http.ResponseWriter) net.Conn {
	if h, ok := w.(hijacked); ok {
		return h.grab()
	}
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil
	}
	return c
}

// misbehave is the fault page. Each way breaks the connection the request came on:
// close before a byte (FIN), reset (RST), half an answer and FIN, hang until the client
// leaves, garbage that is neither protocol; die takes the whole server.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, how string) {
	switch how {
	case "half":
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, "0123456789")
		http.NewResponseController(w).Flush() // reaches the client or nobody
	case "close", "reset", "hang", "garbage", "die":
	default:
		http.Error(w, fmt.Sprintf("unknown fault %q", how), http.StatusBadRequest)
		return
	}
	c := grab(w)
	if c == nil {
		return
	}
	defer c.Close()
	switch how {
	case "reset":
		reset(c)
	case "hang":
		io.Copy(io.Discard, c) // until the client or Kill closes
	case "garbage":
		io.WriteString(c, "\x00\xff this is no protocol \xfe\n")
	case "die":
		s.Kill()
	}
}

// upgrade answers a WebSocket handshake (RFC 6455 section 4.2.2) and then sends every
// byte back as it came, frames or not.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Sec-WebSocket-Key")
	if r.Header.Get("Upgrade") != "websocket" || key == "" {
		http.Error(w, "upgrade to websocket expected", http.StatusUpgradeRequired)
		return
	}
	hijacker, ok := w.(http.Hijacker)
	if !ok { // AJP cannot upgrade
		http.Error(w, "no upgrade over this protocol", http.StatusNotImplemented)
		return
	}
	c, buffered, err := hijacker.Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	digest := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\nX-Node: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(digest[:]), s.options.Route)
	io.Copy(c, buffered) // until one side closes
}
