package ajp

import (
	"net"
	"strconv"
	"strings"
)

// ProbeLine is the fixed part of a GET that this host asks on its own account, as a
// health check does. host is what goes into the Host field, with or without a port:
// its two halves are the server's name and port of the request, 80 without a port
// (RFC 9110, 4.2.1) or with one that is none. own is this end of the connection and
// stands for the client; whatever has no IP address counts as 127.0.0.1. target is a
// path and perhaps a query, which AJP carries as an attribute: query is for
// Attr(AttrQuery), and nil when there is no question mark.
func ProbeLine(host, target string, own net.Addr) (l Line, query []byte) {
	l = Line{Method: []byte("GET"), Protocol: []byte("HTTP/1.1"), RemoteAddr: []byte("127.0.0.1"), ServerName: []byte(host), ServerPort: 80}
	if name, port, err := net.SplitHostPort(host); err == nil {
		l.ServerName = []byte(name)
		if n, err := strconv.ParseUint(port, 10, 16); err == nil && n > 0 {
			l.ServerPort = uint16(n)
		}
	}
	if a, ok := own.(*net.TCPAddr); ok {
		l.RemoteAddr = []byte(a.IP.String())
	}
	path, rest, has := strings.Cut(target, "?")
	l.URI = []byte(path)
	if has {
		query = []byte(rest)
	}
	return l, query
}
