package accesslog

import (
	"bytes"
	"strconv"
	"time"

	"github.com/catherd/catherd/dataplane/access"
)

// appendCombined appends a line in the combined log format of httpd:
// host - - [time] "request" status bytes "referer" "user agent".
func appendCombined(dst []byte, r *access.Record) []byte {
	dst = appendToken(dst, r.Client.Bytes())
	dst = append(dst, " - - ["...)
	dst = time.Unix(0, r.Start).AppendFormat(dst, "02/Jan/2006:15:04:05 -0700")
	dst = append(dst, `] "`...)
	dst = appendEscaped(dst, r.Method.Bytes())
	dst = append(dst, ' ')
	dst = appendEscaped(dst, r.Target.Bytes())
	dst = append(dst, " HTTP/1."...)
	dst = append(dst, '0'+min(r.Minor, 9))
	dst = append(dst, `" `...)
	dst = strconv.AppendUint(dst, uint64(r.Status), 10)
	dst = append(dst, ' ')
	if r.Out == 0 {
		dst = append(dst, '-') // as %b
	} else {
		dst = strconv.AppendUint(dst, r.Out, 10)
	}
	dst = appendQuoted(dst, r.Referer.Bytes())
	dst = appendQuoted(dst, r.UserAgent.Bytes())
	return append(dst, '\n')
}

func appendQuoted(dst, b []byte) []byte {
	dst = append(dst, ` "`...)
	if len(b) == 0 {
		dst = append(dst, '-')
	}
	dst = appendEscaped(dst, b)
	return append(dst, '"')
}

// appendModJK appends a line as mod_jk writes it with
// JkRequestLogFormat "%w %V %T %q %U %R": the pool stands for the balancing
// worker, the member's route for the worker that answered, and an empty query
// string is nothing at all.
func appendModJK(dst []byte, r *access.Record) []byte {
	path, query, asked := bytes.Cut(r.Target.Bytes(), question)
	dst = append(dst, '[')
	dst = time.Unix(0, r.Start).AppendFormat(dst, "Mon Jan 02 15:04:05.000 2006")
	dst = append(dst, "] "...)
	dst = appendToken(dst, []byte(r.Pool))
	dst = append(dst, ' ')
	dst = appendToken(dst, hostOnly(r.Host.Bytes()))
	dst = append(dst, ' ')
	us := max(r.Total, 0) / 1000
	dst = strconv.AppendInt(dst, us/1e6, 10)
	dst = appendPlaces(dst, us%1e6, 6)
	dst = append(dst, ' ')
	if asked {
		dst = append(dst, '?')
		dst = appendToken(dst, query)
	}
	dst = append(dst, ' ')
	dst = appendToken(dst, path)
	dst = append(dst, ' ')
	if r.Route != "" {
		dst = appendToken(dst, []byte(r.Route))
	} else {
		dst = appendToken(dst, []byte(r.Member))
	}
	return append(dst, '\n')
}

// hostOnly cuts the port off, and leaves IPv6 in its brackets.
func hostOnly(host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && i > bytes.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}

// appendToken appends what stands between blanks; nothing becomes "-".
func appendToken(dst, b []byte) []byte {
	if len(b) == 0 {
		return append(dst, '-')
	}
	for _, c := range b {
		if c == ' ' {
			dst = append(dst, `\x20`...)
			continue
		}
		dst = appendByte(dst, c)
	}
	return dst
}

// appendEscaped appends what stands between double quotes, with httpd's escapes.
func appendEscaped(dst, b []byte) []byte {
	for _, c := range b {
		dst = appendByte(dst, c)
	}
	return dst
}

func appendByte(dst []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c < ' ' || c >= 0x7f:
		return append(dst, '\\', 'x', hex[c>>4], hex[c&15])
	default:
		return append(dst, c)
	}
}
