package config

import (
	"net"
	"strconv"
	"strings"
)

// Address is where a member listens. The zero value means none.
type Address struct {
	Scheme string // "ajp", "http" or "https"
	Host   string // name or IP address, IPv6 without brackets
	Port   int    // 1 to 65535
}

// IsZero reports whether there is no address.
func (a Address) IsZero() bool { return a == Address{} }

// HostPort returns host:port as net.Dial wants it, "" for the zero value.
func (a Address) HostPort() string {
	if a.IsZero() {
		return ""
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
}

// String returns scheme://host:port, "" for the zero value.
func (a Address) String() string {
	if a.IsZero() {
		return ""
	}
	return a.Scheme + "://" + a.HostPort()
}

// StatusRange is a range of HTTP status codes, both ends included.
type StatusRange struct{ From, To int }

// StatusSet is a set of HTTP status codes.
type StatusSet []StatusRange

// Contains reports whether the set has the status.
func (s StatusSet) Contains(status int) bool {
	for _, r := range s {
		if r.From <= status && status <= r.To {
			return true
		}
	}
	return false
}

// List returns every status of the set once, ascending.
func (s StatusSet) List() []uint16 {
	var list []uint16
	for status := 100; status <= 599; status++ {
		if s.Contains(status) {
			list = append(list, uint16(status))
		}
	}
	return list
}

// String returns the set as it is written in a file: "200-399, 404".
func (s StatusSet) String() string {
	var parts []string
	for _, r := range s {
		if r.From == r.To {
			parts = append(parts, strconv.Itoa(r.From))
		} else {
			parts = append(parts, strconv.Itoa(r.From)+"-"+strconv.Itoa(r.To))
		}
	}
	return strings.Join(parts, ", ")
}
