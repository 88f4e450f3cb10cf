package http1

import "bytes"

// validAuthority reports whether a is host [":" port] of RFC 3986 section
// 3.2.2, not empty and without userinfo (RFC 9110 section 4.2.4 forbids it).
func validAuthority(a []byte) bool {
	host, port := splitPort(a)
	if len(host) == 0 || !validPort(port) {
		return false
	}
	if host[0] == '[' {
		return host[len(host)-1] == ']' && validIPv6(host[1:len(host)-1])
	}
	for i := 0; i < len(host); i++ {
		c := host[i]
		if class[c]&cRegName != 0 {
			continue
		}
		if c != '%' || i+2 >= len(host) || class[host[i+1]]&class[host[i+2]]&cHex == 0 {
			return false
		}
		i += 2
	}
	return true
}

// splitPort cuts a before the colon of its port. A colon inside brackets is no
// such colon; port keeps its colon, so that "a:" differs from "a" here.
func splitPort(a []byte) (host, port []byte) {
	from := 0
	if len(a) > 0 && a[0] == '[' {
		from = bytes.IndexByte(a, ']') + 1
	}
	if i := bytes.IndexByte(a[from:], ':'); i >= 0 {
		return a[:from+i], a[from+i:]
	}
	return a, nil
}

// validPort accepts nothing, ":" (RFC 3986 allows the empty port) and ":" with
// up to five digits that make a port number.
func validPort(port []byte) bool {
	if len(port) == 0 {
		return true
	}
	if len(port) > 6 {
		return false
	}
	n := 0
	for _, c := range port[1:] {
		if class[c]&cDigit == 0 {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n <= 65535
}

// validIPv6 reports whether s is IPv6address of RFC 3986 section 3.2.2. Zones
// and IPvFuture are refused: nobody's virtual host is called that.
func validIPv6(s []byte) bool {
	groups, double := 0, false
	for i := 0; ; {
		if i == len(s) {
			return double && groups < 8
		}
		if s[i] == ':' {
			// At the start and after a group a colon only stands doubled.
			if double || i+1 >= len(s) || s[i+1] != ':' {
				return false
			}
			double = true
			i += 2
			continue
		}
		start := i
		for i < len(s) && class[s[i]]&cHex != 0 {
			i++
		}
		if i < len(s) && s[i] == '.' {
			return validIPv4(s[start:]) && (double && groups < 6 || !double && groups == 6)
		}
		if i == start || i-start > 4 {
			return false
		}
		groups++
		if i == len(s) {
			return double && groups < 8 || !double && groups == 8
		}
		if s[i] != ':' || i+1 == len(s) {
			return false
		}
		if s[i+1] != ':' {
			i++
		}
	}
}

// validIPv4 reports whether s is IPv4address: four numbers below 256, without
// leading zeros.
func validIPv4(s []byte) bool {
	for part := 0; ; part++ {
		n, i := 0, 0
		for i < len(s) && i < 3 && class[s[i]]&cDigit != 0 {
			n = n*10 + int(s[i]-'0')
			i++
		}
		if i == 0 || n > 255 || i > 1 && s[0] == '0' {
			return false
		}
		if part == 3 {
			return i == len(s)
		}
		if i == len(s) || s[i] != '.' {
			return false
		}
		s = s[i+1:]
	}
}

// sameAuthority compares two valid authorities: hosts without regard to case,
// ports as numbers, where no port is the default one of the scheme (RFC 3986
// section 6.2.3).
func sameAuthority(a, b []byte, secure bool) bool {
	ha, pa := splitPort(a)
	hb, pb := splitPort(b)
	return sameName(ha, hb) && portNumber(pa, secure) == portNumber(pb, secure)
}

// portNumber returns the number of a valid port as splitPort cut it.
func portNumber(port []byte, secure bool) int {
	if len(port) < 2 {
		if secure {
			return 443
		}
		return 80
	}
	n := 0
	for _, c := range port[1:] {
		n = n*10 + int(c-'0')
	}
	return n
}
