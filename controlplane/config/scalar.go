package config

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func joinHostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

var durationForm = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(us|ms|s|m|h))+$`)

const durationPattern = `^([0-9]+(\.[0-9]+)?(us|ms|s|m|h))+$`

var decimal = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

// parseDuration reads "1m30s" and, when zero is allowed, "0".
func parseDuration(text string) (d time.Duration, what, cure string) {
	if text == "0" {
		return 0, "", ""
	}
	if decimal.MatchString(text) {
		cure = "write " + text + "s or " + text + "ms"
		if n, err := strconv.ParseUint(text, 10, 32); err == nil {
			cure = fmt.Sprintf("write %ds or %dms", n, n*1000)
		}
		return 0, fmt.Sprintf("%q has no unit", text), cure
	}
	if !durationForm.MatchString(text) {
		return 0, fmt.Sprintf("%q is not a duration", text), "write a number and its unit without a blank: us, ms, s, m or h, as in 1m30s"
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Sprintf("%q is too long", text), "write a duration below 290 years"
	}
	return d, "", ""
}

// formatDuration writes a duration as a person would: 1m30s, 60s, 500ms.
func formatDuration(d time.Duration) string {
	switch {
	case d == 0:
		return "0s"
	case d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	case d%time.Minute == 0 && d >= 2*time.Minute:
		return strconv.FormatInt(int64(d/time.Minute), 10) + "m"
	case d%time.Second == 0 && d < 10*time.Minute:
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	case d%time.Millisecond == 0 && d < time.Minute:
		return strconv.FormatInt(int64(d/time.Millisecond), 10) + "ms"
	case d%time.Microsecond == 0 && d < time.Second:
		return strconv.FormatInt(int64(d/time.Microsecond), 10) + "us"
	}
	return strings.ReplaceAll(d.String(), "µ", "u")
}

var sizeUnits = []struct {
	unit  string
	bytes int64
}{
	{"PiB", 1 << 50}, {"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

const sizePattern = `^[0-9]+(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB|PiB)$`

// parseSize reads "16KiB". Without a unit only 0 is accepted, or any number
// when bare is set.
func parseSize(text string, bare bool) (n int64, what, cure string) {
	digits := strings.TrimRight(text, "PTGMKkiB")
	unit := text[len(digits):]
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, fmt.Sprintf("%q is not a size", text), "write a whole number and its unit, as in 16KiB or 100MiB"
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	factor := int64(0)
	for _, u := range sizeUnits {
		if u.unit == unit {
			factor = u.bytes
		}
	}
	switch {
	case unit == "" && (bare || n == 0 && err == nil):
		factor = 1
	case unit == "":
		return 0, fmt.Sprintf("%q has no unit", text), fmt.Sprintf("write %sB, %sKiB or %sMiB", digits, digits, digits)
	case factor == 0:
		return 0, fmt.Sprintf("%q has an unknown unit", text), "units are B, KiB, MiB, GiB, TiB (powers of 1024) and kB, MB, GB, TB (powers of 1000)"
	}
	if err != nil || n > math.MaxInt64/factor {
		return 0, fmt.Sprintf("%q is too large", text), "write a smaller size"
	}
	return n * factor, "", ""
}

func formatSize(n int64) string {
	for _, u := range sizeUnits {
		if strings.Contains(u.unit, "i") && n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.unit
		}
	}
	if n == 0 {
		return "0"
	}
	return strconv.FormatInt(n, 10) + "B"
}

const percentPattern = `^[0-9]{1,3}%$`

var percentForm = regexp.MustCompile(percentPattern)

func parsePercent(text string) (n int, what, cure string) {
	if !percentForm.MatchString(text) {
		if decimal.MatchString(text) {
			return 0, fmt.Sprintf("%q has no unit", text), "write " + text + "%"
		}
		return 0, fmt.Sprintf("%q is not a share", text), "write a whole number and %, as in 20%"
	}
	n, _ = strconv.Atoi(strings.TrimSuffix(text, "%")) // at most three digits
	return n, "", ""
}

// parseAddress reads scheme://host:port. The port may be left out where the
// scheme has a usual one: 8009 (Tomcat's server.xml), 80 and 443.
func parseAddress(text string, schemes []string) (a Address, what, cure string) {
	like := schemes[0] + "://127.0.0.1:8009"
	if schemes[0] != "ajp" {
		like = schemes[0] + "://127.0.0.1:8080"
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		cure = "write for example " + like
		if _, bad, _ := checkHostPort(text); bad == "" {
			cure = "say which protocol it speaks: " + schemes[0] + "://" + text
		}
		return a, fmt.Sprintf("%q has no scheme", text), cure
	}
	known := false
	for _, s := range schemes {
		known = known || s == scheme
	}
	if !known {
		cure = "it can be " + listWords(schemes)
		if near := nearest(scheme, schemes); near != "" {
			cure = fmt.Sprintf("did you mean %q?", near+"://"+rest)
		}
		return a, fmt.Sprintf("%q is not a protocol this key takes", scheme), cure
	}
	if strings.Contains(rest, "@") {
		return a, "the address holds a user name", "write host and port alone; the AJP secret has its own key"
	}
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		if rest[at:] != "/" {
			return a, fmt.Sprintf("%q has a path", text), "write host and port alone; requests keep the path they came with"
		}
		rest = rest[:at]
	}
	host, portText, ok := splitPort(rest)
	hint := "; Tomcat's AJP default is 8009"
	port := 8009
	switch scheme {
	case "http":
		hint, port = "; Tomcat's HTTP default is 8080", 80
	case "https":
		hint, port = "; Tomcat's HTTPS default is 8443", 443
	}
	if ok {
		if port, what, cure = parsePort(portText, hint); what != "" {
			return a, what, cure
		}
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]")
		if strings.ContainsAny(rest, ":[]") && rest != "["+host+"]" {
			return a, fmt.Sprintf("%q is not host:port", rest), "an IPv6 address is written in brackets, as in [::1]:8009"
		}
	}
	if host == "" {
		return a, fmt.Sprintf("%q has no host", text), "write for example " + like
	}
	host, what, cure = checkHost(host)
	if what != "" {
		return a, what, cure
	}
	return Address{Scheme: scheme, Host: host, Port: port}, "", ""
}

const statusPattern = `^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$`

var statusForm = regexp.MustCompile(statusPattern)

func parseStatuses(text string) (r StatusRange, what, cure string) {
	if !statusForm.MatchString(text) {
		return r, fmt.Sprintf("%q is not a status", text), "write a number from 100 to 599 or a range, as in 200-399"
	}
	from, to, found := strings.Cut(text, "-")
	if !found {
		to = from
	}
	r.From, _ = strconv.Atoi(from) // three digits each
	r.To, _ = strconv.Atoi(to)
	if r.From > r.To {
		return r, fmt.Sprintf("%q ends before it begins", text), fmt.Sprintf("write %d-%d", r.To, r.From)
	}
	return r, "", ""
}

// parsePrefix reads a network or one address.
func parsePrefix(text string) (p netip.Prefix, what, cure string) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), "", ""
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Sprintf("%q is not an address or network", text), "write for example 10.0.0.7, 10.0.0.0/8 or ::1"
	}
	if p != p.Masked() {
		return p, fmt.Sprintf("%q has bits set behind its prefix", text), "write " + p.Masked().String()
	}
	return p, "", ""
}

func formatPrefix(p netip.Prefix) string {
	if p.Bits() == p.Addr().BitLen() {
		return p.Addr().String()
	}
	return p.String()
}

// listWords joins words for a sentence: "a, b or c".
func listWords(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
