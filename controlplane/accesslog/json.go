package accesslog

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/catherd/catherd/dataplane/access"
	"github.com/catherd/catherd/dataplane/meter"
)

// appendJSON appends one JSON object and a line feed. Keys are always there
// and always in this order, but for query, pool, member, route, session,
// referer and user_agent, which are left out when empty.
func appendJSON(dst []byte, r *access.Record) []byte {
	path, query, _ := bytes.Cut(r.Target.Bytes(), question)
	dst = append(dst, `{"time":"`...)
	dst = time.Unix(0, r.Start).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00")
	dst = append(dst, `","client":`...)
	dst = appendString(dst, r.Client.Bytes())
	dst = append(dst, `,"method":`...)
	dst = appendString(dst, r.Method.Bytes())
	dst = append(dst, `,"host":`...)
	dst = appendString(dst, r.Host.Bytes())
	dst = append(dst, `,"path":`...)
	dst = appendString(dst, path)
	dst = optional(dst, "query", query)
	dst = append(dst, `,"protocol":"HTTP/1.`...)
	dst = append(dst, '0'+min(r.Minor, 9))
	dst = append(dst, `","tls":`...)
	dst = strconv.AppendBool(dst, r.TLS)
	dst = append(dst, `,"status":`...)
	dst = strconv.AppendUint(dst, uint64(r.Status), 10)
	dst = append(dst, `,"bytes":`...)
	dst = strconv.AppendUint(dst, r.Out, 10)
	dst = append(dst, `,"request_bytes":`...)
	dst = strconv.AppendUint(dst, r.In, 10)
	dst = optional(dst, "pool", []byte(r.Pool))
	dst = optional(dst, "member", []byte(r.Member))
	dst = optional(dst, "route", []byte(r.Route))
	if r.Session > 0 {
		dst = append(dst, `,"session":"`...)
		dst = append(dst, meter.Outcome(r.Session-1).String()...)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"attempt":`...)
	dst = strconv.AppendUint(dst, uint64(r.Attempt), 10)
	dst = append(dst, `,"queue_ms":`...)
	dst = appendMillis(dst, r.Queue)
	dst = append(dst, `,"connect_ms":`...)
	dst = appendMillis(dst, r.Connect)
	dst = append(dst, `,"first_byte_ms":`...)
	dst = appendMillis(dst, r.First)
	dst = append(dst, `,"total_ms":`...)
	dst = appendMillis(dst, r.Total)
	dst = append(dst, `,"end":"`...)
	dst = append(dst, r.End.String()...)
	dst = append(dst, '"')
	dst = optional(dst, "referer", r.Referer.Bytes())
	dst = optional(dst, "user_agent", r.UserAgent.Bytes())
	return append(dst, "}\n"...)
}

func optional(dst []byte, key string, value []byte) []byte {
	if len(value) == 0 {
		return dst
	}
	dst = append(dst, `,"`...)
	dst = append(dst, key...)
	dst = append(dst, `":`...)
	return appendString(dst, value)
}

// appendMillis appends nanoseconds as milliseconds with three places.
func appendMillis(dst []byte, ns int64) []byte {
	us := max(ns, 0) / 1000
	dst = strconv.AppendInt(dst, us/1000, 10)
	return appendPlaces(dst, us%1000, 3)
}

// appendPlaces appends a point and n with leading zeros.
func appendPlaces(dst []byte, n int64, places int) []byte {
	dst = append(dst, '.')
	from := len(dst)
	for range places {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; i >= from; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

const hex = "0123456789abcdef"

// appendString appends b as a JSON string (RFC 8259 section 7), whatever bytes
// it has: control characters are escaped, what is not UTF-8 becomes U+FFFD.
func appendString(dst, b []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(b); {
		c := b[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ' || c == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(dst, `\ufffd`...)
			} else {
				dst = append(dst, b[i:i+n]...)
			}
			i += n
			continue
		}
		i++
	}
	return append(dst, '"')
}
