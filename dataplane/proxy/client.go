package proxy

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"net"
	"net/netip"
	"strconv"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/wire"
)

// Client is a connection from a client. frontend makes it, reads the first
// bytes of each request into In and calls Proxy.Serve.
type Client struct {
	*wire.Conn
	In *wire.Buffer // unread bytes; nil while the connection is idle

	Listener *Listener

	// Linger is set when the client may still be sending although it has been
	// answered: closing at once would reset the connection and lose the answer.
	Linger bool

	// Broken is set when the answer could not be completed: the connection must
	// end with a reset, or the part that was sent would pass for the whole.
	Broken bool

	parked *Exchange // between Try and Serve

	peer       netip.Addr
	remote     []byte // peer address as text
	localPort  uint16
	tls        *tls.ConnectionState
	attributes []byte // AJP attributes that depend on the connection alone
}

// Listener is what requests need to know of the address they came in by. It is
// read by many connections and never written.
type Listener struct {
	RedirectHTTPS uint16 // answer everything with a redirect to https on this port; 0: do not
}

// NewClient describes an accepted connection. state is nil without TLS.
func NewClient(c *wire.Conn, l *Listener, state *tls.ConnectionState) *Client {
	x := &Client{Conn: c, Listener: l, tls: state}
	remotePort := ""
	if a, ok := c.Net().RemoteAddr().(*net.TCPAddr); ok {
		ap := a.AddrPort()
		x.peer = ap.Addr().Unmap().WithZone("")
		x.remote = x.peer.AppendTo(nil)
		remotePort = strconv.Itoa(int(ap.Port()))
	}
	local := ""
	if a, ok := c.Net().LocalAddr().(*net.TCPAddr); ok {
		ap := a.AddrPort()
		local = ap.Addr().Unmap().WithZone("").String()
		x.localPort = ap.Port()
	}
	// Tomcat 7 shows the value of an earlier request of any client when one of
	// the two is absent, therefore both are always sent.
	x.attributes = ajp.AppendReqAttr(x.attributes, "AJP_REMOTE_PORT", []byte(remotePort))
	x.attributes = ajp.AppendReqAttr(x.attributes, "AJP_LOCAL_ADDR", []byte(local))
	if state != nil {
		x.attributes = appendTLS(x.attributes, state)
	}
	return x
}

// maxChain is the largest certificate chain that is passed on, in bytes of PEM.
// It travels with every request and has to leave room in the packet.
const maxChain = 32 << 10

// appendTLS adds what the servlet API shows of a TLS connection.
func appendTLS(b []byte, s *tls.ConnectionState) []byte {
	name := tls.CipherSuiteName(s.CipherSuite)
	b = ajp.AppendAttr(b, ajp.AttrSSLCipher, []byte(name))
	bits := keySize(name)
	b = append(b, ajp.AttrKeySize, byte(bits>>8), byte(bits))
	b = ajp.AppendReqAttr(b, "AJP_SSL_PROTOCOL", []byte(protocolName(s.Version)))
	b = ajp.AppendAttr(b, ajp.AttrSSLSession, []byte(sessionName(s)))
	if len(s.PeerCertificates) > 0 {
		var chain bytes.Buffer
		for _, c := range s.PeerCertificates {
			_ = pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
		}
		if chain.Len() <= maxChain {
			b = ajp.AppendAttr(b, ajp.AttrSSLCert, chain.Bytes())
		}
	}
	return b
}

// sessionName is a name for the TLS session. TLS 1.3 has no session id, so it
// is made of what is unique to the connection.
func sessionName(s *tls.ConnectionState) string {
	key, err := s.ExportKeyingMaterial("EXPORTER-catherd-session", nil, 16)
	if err != nil {
		sum := sha256.Sum256(s.TLSUnique)
		key = sum[:16]
	}
	return hex.EncodeToString(key)
}

func keySize(cipher string) uint16 {
	switch {
	case bytes.Contains([]byte(cipher), []byte("256")) && !bytes.Contains([]byte(cipher), []byte("AES_128")),
		bytes.Contains([]byte(cipher), []byte("CHACHA20")):
		return 256
	case bytes.Contains([]byte(cipher), []byte("3DES")):
		return 168
	}
	return 128
}

func protocolName(v uint16) string {
	switch v {
	case tls.VersionTLS13:
		return "TLSv1.3"
	case tls.VersionTLS12:
		return "TLSv1.2"
	case tls.VersionTLS11:
		return "TLSv1.1"
	}
	return "TLSv1"
}
