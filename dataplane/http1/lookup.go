package http1

// spelling is every known name as its specification writes it. Most senders
// write it so too, and comparing whole strings is faster than folding.
var spelling = [numIDs]string{
	Host:               "Host",
	Connection:         "Connection",
	KeepAlive:          "Keep-Alive",
	ProxyConnection:    "Proxy-Connection",
	TE:                 "TE",
	Trailer:            "Trailer",
	TransferEncoding:   "Transfer-Encoding",
	Upgrade:            "Upgrade",
	ContentLength:      "Content-Length",
	Expect:             "Expect",
	Cookie:             "Cookie",
	XForwardedFor:      "X-Forwarded-For",
	XForwardedProto:    "X-Forwarded-Proto",
	XForwardedHost:     "X-Forwarded-Host",
	XForwardedPort:     "X-Forwarded-Port",
	Forwarded:          "Forwarded",
	HTTP2Settings:      "HTTP2-Settings",
	ProxyAuthenticate:  "Proxy-Authenticate",
	ProxyAuthorization: "Proxy-Authorization",
	Accept:             "Accept",
	AcceptCharset:      "Accept-Charset",
	AcceptEncoding:     "Accept-Encoding",
	AcceptLanguage:     "Accept-Language",
	Authorization:      "Authorization",
	ContentType:        "Content-Type",
	Pragma:             "Pragma",
	Referer:            "Referer",
	UserAgent:          "User-Agent",
	Cookie2:            "Cookie2",
	Date:               "Date",
	Server:             "Server",
	SetCookie:          "Set-Cookie",
	SetCookie2:         "Set-Cookie2",
	Location:           "Location",
	ContentEncoding:    "Content-Encoding",
	ContentLanguage:    "Content-Language",
	LastModified:       "Last-Modified",
	ETag:               "ETag",
	Via:                "Via",
	CacheControl:       "Cache-Control",
	WWWAuthenticate:    "WWW-Authenticate",
	ServletEngine:      "Servlet-Engine",
	Status:             "Status",
	ContentRange:       "Content-Range",
	RetryAfter:         "Retry-After",
	Origin:             "Origin",
}

// spelled is spelling as bytes, for the comparison without regard to case.
var spelled = buildSpelled()

func buildSpelled() (t [numIDs][]byte) {
	for id, s := range spelling {
		t[id] = []byte(s)
	}
	return t
}

// String returns the name as its specification writes it, "" for Other.
func (id ID) String() string {
	if id >= numIDs {
		return ""
	}
	return spelling[id]
}

// Lookup returns the ID of a field name, whatever the case of its letters.
func Lookup(name []byte) ID {
	id := candidate(name)
	if id != Other && (string(name) == spelling[id] || sameName(name, spelled[id])) {
		return id
	}
	return Other
}

// candidate returns the only ID that name can have, by its length and a byte or
// two, so that one comparison decides.
func candidate(name []byte) ID {
	if len(name) < 2 {
		return Other
	}
	switch c := lower[name[0]]; len(name) {
	case 2:
		return TE
	case 3:
		return Via
	case 4:
		switch c {
		case 'h':
			return Host
		case 'd':
			return Date
		case 'e':
			return ETag
		}
	case 6:
		switch c {
		case 'c':
			return Cookie
		case 'a':
			return Accept
		case 'e':
			return Expect
		case 'p':
			return Pragma
		case 's':
			if lower[name[2]] == 'a' {
				return Status
			}
			return Server
		case 'o':
			return Origin
		}
	case 7:
		switch c {
		case 'u':
			return Upgrade
		case 'r':
			return Referer
		case 't':
			return Trailer
		case 'c':
			return Cookie2
		}
	case 8:
		return Location
	case 9:
		return Forwarded
	default:
		return longCandidate(name, c)
	}
	return Other
}

// longCandidate is candidate for a name of ten bytes or more that begins with c.
func longCandidate(name []byte, c byte) ID {
	switch len(name) {
	case 10:
		switch c {
		case 'c':
			return Connection
		case 'u':
			return UserAgent
		case 'k':
			return KeepAlive
		case 's':
			return SetCookie
		}
	case 11:
		switch c {
		case 's':
			return SetCookie2
		case 'r':
			return RetryAfter
		}
	case 12:
		return ContentType
	case 13:
		switch c {
		case 'c':
			if lower[name[1]] == 'a' {
				return CacheControl
			}
			return ContentRange
		case 'l':
			return LastModified
		case 'a':
			return Authorization
		}
	case 14:
		switch c {
		case 'c':
			return ContentLength
		case 'a':
			return AcceptCharset
		case 'h':
			return HTTP2Settings
		case 's':
			return ServletEngine
		}
	case 15:
		switch lower[name[7]] {
		case 'e':
			return AcceptEncoding
		case 'l':
			return AcceptLanguage
		case 'r':
			return XForwardedFor
		}
	case 16:
		switch {
		case c == 'w':
			return WWWAuthenticate
		case c == 'p':
			return ProxyConnection
		case c == 'x' && lower[name[12]] == 'h':
			return XForwardedHost
		case c == 'x':
			return XForwardedPort
		case lower[name[8]] == 'e':
			return ContentEncoding
		}
		return ContentLanguage
	case 17:
		if c == 'x' {
			return XForwardedProto
		}
		return TransferEncoding
	case 18:
		return ProxyAuthenticate
	case 19:
		return ProxyAuthorization
	}
	return Other
}
