package proxy

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/upstream"
)

// inlineBody is up to which size the first piece of a body is copied behind the
// head: one plain write is cheaper than a vector of three.
const inlineBody = 2 << 10

var (
	http11     = []byte("HTTP/1.1")
	http10     = []byte("HTTP/1.0")
	nameChunk  = []byte("transfer-encoding")
	valueChunk = []byte("chunked")
	emptyBody  = []byte{0x12, 0x34, 0, 0}
	continue1  = []byte("HTTP/1.1 100 Continue\r\n\r\n")
)

// firstLimit is the largest first piece of a body: what fits the smallest AJP
// packet a connector may be set to, because the piece is sent unasked. How much
// the connector really takes is known from its first GET_BODY_CHUNK on. HTTP
// members could take more, but the piece is taken before the member is chosen.
func (x *Exchange) firstLimit() int { return ajp.MaxBody(ajp.DefaultPacket) }

// roundTripAJP sends the request on u and passes the answer on. clean means
// that u can carry the next request.
func (x *Exchange) roundTripAJP(u *upstream.Conn) (clean bool, f upstream.Fault) {
	if x.Req.Length > 0 && !x.got {
		// The first packet goes out unasked, so there must be one, so the
		// client that waits for a 100 has to be told now.
		if f = x.tell100(); f.OK() {
			x.first, f = x.body.next(x.firstLimit())
			x.got = f.OK()
		}
		if !f.OK() {
			return false, f
		}
	}
	if f = x.encodeAJP(); !f.OK() {
		return true, f // nothing was sent
	}
	a := ajpAnswer{x: x, u: u, max: x.cfg.PacketSize, unsent: x.vec}
	return a.run()
}

// encodeAJP puts the head packet into x.out, and with it or behind it in x.vec
// the first body packet when the length is known.
func (x *Exchange) encodeAJP() upstream.Fault {
	w := &x.writer
	line := ajp.Line{
		Method: x.Req.Method, Protocol: http11, URI: x.Req.Path,
		RemoteAddr: x.client.text, ServerName: hostOnly(x.Req.Host),
		ServerPort: x.serverPort(), SSL: x.client.https,
	}
	if x.Req.Minor == 0 {
		line.Protocol = http10
	}
	w.Begin(x.out[:0], x.cfg.PacketSize, &line)
	for i := range x.Req.Fields {
		f := &x.Req.Fields[i]
		if f.Drop || x.skipAJP(f.ID) {
			continue
		}
		w.Header(f.Name, f.Value)
	}
	if x.Req.Chunked {
		w.Header(nameChunk, valueChunk)
	}
	x.forward(w.Header)
	w.Raw(x.view.blocks[x.member.Ord])
	if x.Req.Query != nil {
		w.Attr(ajp.AttrQuery, x.Req.Query)
	}
	w.Raw(x.c.attributes)
	out, err := w.End()
	if err != nil {
		if errors.Is(err, ajp.ErrTooLarge) {
			return upstream.Fault{Kind: upstream.TooLarge, Text: "the request head does not fit an AJP packet of " +
				strconv.Itoa(x.cfg.PacketSize) + " bytes: raise max_packet_size here and packetSize on the member's AJP Connector"}
		}
		return upstream.Fault{Kind: upstream.TooLarge, Text: "the request cannot be sent over AJP: " + err.Error()}
	}
	x.out = out
	x.vec = x.vec[:0]
	if !x.got || x.Req.Length <= 0 {
		x.vec = append(x.vec, x.out)
		return upstream.Fault{}
	}
	x.out = ajp.AppendBodyHeader(x.out, len(x.first))
	if len(x.first) <= inlineBody {
		x.out = append(x.out, x.first...)
		x.vec = append(x.vec, x.out)
	} else {
		x.vec = append(x.vec, x.out, x.first)
	}
	x.in = uint64(len(x.first))
	return upstream.Fault{}
}

// skipAJP names the fields that AJP expresses in its own way or cannot carry,
// and those that forward writes anew.
func (x *Exchange) skipAJP(id http1.ID) bool {
	switch id {
	case http1.Expect, http1.Trailer:
		return true
	case http1.XForwardedFor, http1.XForwardedProto, http1.XForwardedHost, http1.XForwardedPort, http1.Forwarded:
		return x.replacesForwarded()
	}
	return false
}

// serverPort is the port of the authority, or the usual one of the scheme.
func (x *Exchange) serverPort() uint16 {
	if i := bytes.LastIndexByte(x.Req.Host, ':'); i >= 0 && (x.Req.Host[0] != '[' || x.Req.Host[i-1] == ']') {
		port := 0
		for _, c := range x.Req.Host[i+1:] {
			port = port*10 + int(c-'0')
		}
		if port > 0 && port < 1<<16 {
			return uint16(port)
		}
	}
	if x.Req.Host == nil {
		return x.c.localPort
	}
	if x.client.https {
		return 443
	}
	return 80
}

// tell100 tells a client that waits for it to send its body.
func (x *Exchange) tell100() upstream.Fault {
	if !x.Req.Expect100 || x.told100 || x.body.buffered() || x.answer.sent {
		return upstream.Fault{}
	}
	x.told100 = true
	if _, err := x.c.Write(continue1, x.set.BodyTimeout); err != nil {
		return upstream.Fault{Kind: upstream.ClientGone, Text: "the client closed before its body was complete"}
	}
	return upstream.Fault{}
}
