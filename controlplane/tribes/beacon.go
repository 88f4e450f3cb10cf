package tribes

import (
	"bytes"
	"errors"
	"fmt"
)

// DefaultBeacon is where Tomcat's HeartbeatListener sends to without a group
// of its own (org.apache.catalina.ha.backend.HeartbeatListener).
const DefaultBeacon = "224.0.1.105:23364"

// Reasons why bytes are no beacon.
var (
	ErrBeaconLong    = errors.New("beacon longer than 512 bytes")
	ErrBeaconVersion = errors.New("beacon of an unknown version")
	ErrBeaconPort    = errors.New("beacon without a connector port")
)

// maxBeacon in bytes. Tomcat's are about 40.
const maxBeacon = 512

// Beacon is what HeartbeatListener says about one connector.
type Beacon struct {
	Ready int // free threads; Unknown when Tomcat cannot tell
	Busy  int // threads at work; Unknown when Tomcat cannot tell
	Port  int // of the connector
}

// Unknown stands for a number of threads that Tomcat does not know, as with an
// executor of the connector's own: it then sends a negative one.
const Unknown = -1

// ParseBeacon reads "v=1&ready=180&busy=20&port=8009" in any order
// (HeartbeatListener.lifecycleEvent). Keys that are not known are ignored, and
// so are white space and line ends around it, which TcpSender adds. The first
// of two equal keys counts.
func ParseBeacon(b []byte) (Beacon, error) {
	if len(b) > maxBeacon {
		return Beacon{}, ErrBeaconLong
	}
	out := Beacon{Ready: Unknown, Busy: Unknown}
	var version, ready, busy, port bool
	for rest := bytes.TrimSpace(b); len(rest) > 0; {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, []byte("&"))
		key, value, _ := bytes.Cut(pair, []byte("="))
		var seen *bool
		switch string(key) {
		case "v":
			seen = &version
		case "ready":
			seen = &ready
		case "busy":
			seen = &busy
		case "port":
			seen = &port
		default:
			continue
		}
		if *seen {
			continue
		}
		*seen = true
		n, ok := smallInt(value)
		if !ok {
			return Beacon{}, fmt.Errorf("beacon with %s %q", key, value)
		}
		switch string(key) {
		case "v":
			if n != 1 {
				return Beacon{}, ErrBeaconVersion
			}
		case "ready":
			out.Ready = max(n, Unknown)
		case "busy":
			out.Busy = max(n, Unknown)
		case "port":
			out.Port = n
		}
	}
	switch {
	case !version:
		return Beacon{}, ErrBeaconVersion
	case out.Port < 1 || out.Port > 65535:
		return Beacon{}, ErrBeaconPort
	}
	return out, nil
}

// Append writes the beacon as Tomcat does.
func (b Beacon) Append(dst []byte) []byte {
	return fmt.Appendf(dst, "v=1&ready=%d&busy=%d&port=%d", b.Ready, b.Busy, b.Port)
}

// smallInt reads a decimal number of at most seven digits.
func smallInt(b []byte) (int, bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 7 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}
