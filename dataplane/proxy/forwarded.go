package proxy

import (
	"bytes"
	"net/netip"
	"strconv"

	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/table"
)

// identify finds out who the client is: the peer, or, behind a proxy of
// Table.Trust, whom that proxy names.
func (x *Exchange) identify() {
	c := &x.client
	*c = clientFacts{text: x.c.remote, https: x.c.tls != nil}
	if len(x.view.Trust) == 0 || !trusted(x.view.Trust, x.c.peer) {
		return
	}
	c.trusted = true
	for i := range x.Req.Fields {
		switch f := &x.Req.Fields[i]; f.ID {
		case http1.XForwardedProto:
			c.https = equalFold(f.Value, "https")
		case http1.XForwardedFor:
			x.fromList(f.Value)
		}
	}
}

// fromList takes the client out of an X-Forwarded-For list: from the right, the
// first address that is no trusted proxy. Behind it anybody may have written
// anything.
func (x *Exchange) fromList(list []byte) {
	for len(list) > 0 {
		item := list
		if i := bytes.LastIndexByte(list, ','); i >= 0 {
			item, list = list[i+1:], list[:i]
		} else {
			list = nil
		}
		addr, err := netip.ParseAddr(string(bytes.Trim(bytes.TrimSpace(item), "[]")))
		if err != nil {
			return
		}
		addr = addr.Unmap().WithZone("")
		x.addr = addr.AppendTo(x.addr[:0])
		x.client.text = x.addr
		if !trusted(x.view.Trust, addr) {
			return
		}
	}
}

func trusted(list []netip.Prefix, a netip.Addr) bool {
	for i := range list {
		if list[i].Contains(a) {
			return true
		}
	}
	return false
}

// replacesForwarded reports whether the client's forwarding fields are dropped
// because forward writes them anew.
func (x *Exchange) replacesForwarded() bool {
	return x.cfg.Forwarded != table.Keep
}

var (
	nameXFF       = []byte("X-Forwarded-For")
	nameXFProto   = []byte("X-Forwarded-Proto")
	nameXFHost    = []byte("X-Forwarded-Host")
	nameXFPort    = []byte("X-Forwarded-Port")
	nameForwarded = []byte("Forwarded")
	protoHTTP     = []byte("http")
	protoHTTPS    = []byte("https")
)

// forward tells the member who the client is, in X-Forwarded-* and Forwarded
// (RFC 7239). Values that came in are kept in front when they may be believed,
// or when the pool says append.
func (x *Exchange) forward(field func(name, value []byte)) {
	if x.cfg.Forwarded == table.Keep {
		return
	}
	keep := x.client.trusted || x.cfg.Forwarded == table.Append
	proto := protoHTTP
	if x.c.tls != nil {
		proto = protoHTTPS
	}
	var came [5][]byte // For, Proto, Host, Port, Forwarded
	if keep {
		proto = x.cameForwarded(&came, proto)
	}
	b := x.norm[:0] // the path has been matched: its room is free
	b = appendList(b, came[0], x.c.remote)
	field(nameXFF, b)
	field(nameXFProto, proto)
	if host := came[2]; host != nil {
		field(nameXFHost, host)
	} else if x.Req.Host != nil {
		field(nameXFHost, x.Req.Host)
	}
	if port := came[3]; port != nil {
		field(nameXFPort, port)
	} else {
		b = strconv.AppendUint(b[:0], uint64(x.c.localPort), 10)
		field(nameXFPort, b)
	}
	b = appendList(b[:0], came[4], nil)
	b = append(b, "for="...)
	if x.c.peer.Is6() {
		b = append(b, `"[`...)
		b = append(b, x.c.remote...)
		b = append(b, `]"`...)
	} else {
		b = append(b, x.c.remote...)
	}
	b = append(b, ";proto="...)
	b = append(b, proto...)
	if h := x.Req.Host; h != nil {
		b = append(b, `;host="`...)
		b = append(b, h...) // an authority has neither quotes nor backslashes
		b = append(b, '"')
	}
	field(nameForwarded, b)
	x.norm = b[:0]
}

// cameForwarded collects the values that came in. Several fields of one name
// are one list; its last field stands for it where a list makes no sense.
func (x *Exchange) cameForwarded(came *[5][]byte, proto []byte) []byte {
	for i := range x.Req.Fields {
		f := &x.Req.Fields[i]
		at := -1
		switch f.ID {
		case http1.XForwardedFor:
			at = 0
		case http1.XForwardedProto:
			proto = f.Value
		case http1.XForwardedHost:
			at = 2
		case http1.XForwardedPort:
			at = 3
		case http1.Forwarded:
			at = 4
		}
		switch {
		case at < 0:
		case came[at] != nil && (at == 0 || at == 4):
			came[at] = append(append(bytes.Clone(came[at]), ", "...), f.Value...)
		default:
			came[at] = f.Value
		}
	}
	return proto
}

func appendList(dst, list, item []byte) []byte {
	if len(list) > 0 {
		dst = append(dst, list...)
		dst = append(dst, ", "...)
	}
	return append(dst, item...)
}
