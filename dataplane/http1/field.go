package http1

// Field is one field line of a head. Name and Value are views of the head, so
// they live as long as its buffer is left alone.
type Field struct {
	Name  []byte // as sent, a token
	Value []byte // as sent, without the optional white space around it
	ID    ID
	// Drop is set on what must not be passed on: fields that concern this
	// connection alone (RFC 9110 section 7.6.1), those that a Connection field
	// names, and those that may not be believed (HTTP2-Settings).
	Drop bool
}

// ID is a known field name, so that a name is compared once and never again.
type ID uint8

// The names this data plane or the AJP codec cares about. Other is every other
// name. The comment is the name on the wire where it is not plain.
const (
	Other ID = iota
	Host
	Connection
	KeepAlive
	ProxyConnection
	TE
	Trailer
	TransferEncoding
	Upgrade
	ContentLength
	Expect
	Cookie
	XForwardedFor
	XForwardedProto
	XForwardedHost
	XForwardedPort
	Forwarded
	HTTP2Settings
	ProxyAuthenticate
	ProxyAuthorization
	Accept
	AcceptCharset
	AcceptEncoding
	AcceptLanguage
	Authorization
	ContentType
	Pragma
	Referer
	UserAgent
	Cookie2
	Date
	Server
	SetCookie
	SetCookie2
	Location
	ContentEncoding
	ContentLanguage
	LastModified
	ETag
	Via
	CacheControl
	WWWAuthenticate
	ServletEngine
	Status
	ContentRange
	RetryAfter
	Origin
	numIDs
)

// hopByHop holds the names that are never passed on. Trailer is not here:
// RFC 9110 section 7.6.1 does not name it, and a chunked body may keep its
// trailers (dropIdleTrailer takes it away where there can be none).
var hopByHop = [256]bool{
	Connection:         true,
	KeepAlive:          true,
	ProxyConnection:    true,
	TE:                 true,
	TransferEncoding:   true,
	Upgrade:            true,
	HTTP2Settings:      true,
	ProxyAuthenticate:  true,
	ProxyAuthorization: true,
}

// kept holds the names that a Connection field cannot take away. A client that
// could would choose what the member believes about framing, about the session
// or about who the client is. RFC 9110 section 7.6.1 forbids naming fields
// meant for every recipient, Cache-Control for one.
var kept = [256]bool{
	Host:            true,
	ContentLength:   true,
	Cookie:          true,
	SetCookie:       true,
	Authorization:   true,
	WWWAuthenticate: true,
	XForwardedFor:   true,
	XForwardedProto: true,
	XForwardedHost:  true,
	XForwardedPort:  true,
	Forwarded:       true,
	ContentType:     true,
	ContentEncoding: true,
	ContentRange:    true,
	CacheControl:    true,
	Location:        true,
	Expect:          true,
	Origin:          true,
}
