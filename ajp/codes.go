package ajp

// Attribute codes of FORWARD_REQUEST (org.apache.coyote.ajp.Constants.SC_A_*).
// Unknown codes cannot be skipped, because nothing says how long their value is.
const (
	AttrContext      = 0x01 // read and ignored by Tomcat
	AttrServletPath  = 0x02 // ignored
	AttrRemoteUser   = 0x03 // believed only with tomcatAuthentication=false
	AttrAuthType     = 0x04
	AttrQuery        = 0x05 // without the question mark
	AttrRoute        = 0x06 // jvmRoute, ignored
	AttrSSLCert      = 0x07 // PEM chain; the one string that may hold any byte
	AttrSSLCipher    = 0x08
	AttrSSLSession   = 0x09
	AttrReqAttr      = 0x0A // name and value: Writer.ReqAttr
	AttrKeySize      = 0x0B // a u16, no string: Writer.KeySize
	AttrSecret       = 0x0C
	AttrStoredMethod = 0x0D // the method when it has no code
	AttrEnd          = 0xFF
)

// Names of request attributes (AttrReqAttr) that Tomcat understands itself. Any other
// name is answered with 403 unless allowedRequestAttributesPattern matches it.
const (
	NameRemotePort  = "AJP_REMOTE_PORT"  // client port, decimal; always send it, Tomcat 7.0 otherwise shows an earlier client's
	NameLocalAddr   = "AJP_LOCAL_ADDR"   // our address towards the client; same reason
	NameSSLProtocol = "AJP_SSL_PROTOCOL" // e.g. TLSv1.3
	NameActivation  = "JK_LB_ACTIVATION" // ACT, DIS or STP
)

// Codes of request header names (low byte of A0xx), for Writer.HeaderCode.
const (
	ReqAccept         = 0x01
	ReqAcceptCharset  = 0x02
	ReqAcceptEncoding = 0x03
	ReqAcceptLanguage = 0x04
	ReqAuthorization  = 0x05
	ReqConnection     = 0x06
	ReqContentType    = 0x07
	ReqContentLength  = 0x08
	ReqCookie         = 0x09
	ReqCookie2        = 0x0A
	ReqHost           = 0x0B
	ReqPragma         = 0x0C
	ReqReferer        = 0x0D
	ReqUserAgent      = 0x0E
)

// Codes of response header names (low byte of A0xx), as in HeaderField.Code.
const (
	RespContentType     = 0x01
	RespContentLanguage = 0x02
	RespContentLength   = 0x03
	RespDate            = 0x04
	RespLastModified    = 0x05
	RespLocation        = 0x06
	RespSetCookie       = 0x07
	RespSetCookie2      = 0x08
	RespServletEngine   = 0x09
	RespStatus          = 0x0A
	RespWWWAuthenticate = 0x0B
)

const (
	codePrefix   = 0xA0 // first byte of a coded name; hence no name of 40960 bytes or more
	maxName      = codePrefix<<8 - 1
	storedMethod = 0xFF // method byte that sends the reader to AttrStoredMethod
)

// methods, by code (org.apache.coyote.ajp.Constants.methodTransArray). Some Tomcat
// releases mapped 6 and 8 wrongly for one version; the codes here are the protocol's.
var methods = [...][]byte{
	1: []byte("OPTIONS"), 2: []byte("GET"), 3: []byte("HEAD"), 4: []byte("POST"),
	5: []byte("PUT"), 6: []byte("DELETE"), 7: []byte("TRACE"), 8: []byte("PROPFIND"),
	9: []byte("PROPPATCH"), 10: []byte("MKCOL"), 11: []byte("COPY"), 12: []byte("MOVE"),
	13: []byte("LOCK"), 14: []byte("UNLOCK"), 15: []byte("ACL"), 16: []byte("REPORT"),
	17: []byte("VERSION-CONTROL"), 18: []byte("CHECKIN"), 19: []byte("CHECKOUT"),
	20: []byte("UNCHECKOUT"), 21: []byte("SEARCH"), 22: []byte("MKWORKSPACE"),
	23: []byte("UPDATE"), 24: []byte("LABEL"), 25: []byte("MERGE"),
	26: []byte("BASELINE-CONTROL"), 27: []byte("MKACTIVITY"),
}

// requestNames, by code (org.apache.coyote.ajp.Constants.headerTransArray).
var requestNames = [...][]byte{
	ReqAccept: []byte("accept"), ReqAcceptCharset: []byte("accept-charset"),
	ReqAcceptEncoding: []byte("accept-encoding"), ReqAcceptLanguage: []byte("accept-language"),
	ReqAuthorization: []byte("authorization"), ReqConnection: []byte("connection"),
	ReqContentType: []byte("content-type"), ReqContentLength: []byte("content-length"),
	ReqCookie: []byte("cookie"), ReqCookie2: []byte("cookie2"), ReqHost: []byte("host"),
	ReqPragma: []byte("pragma"), ReqReferer: []byte("referer"), ReqUserAgent: []byte("user-agent"),
}

// responseNames, by code (org.apache.coyote.ajp.Constants.responseTransArray).
var responseNames = [...][]byte{
	RespContentType: []byte("Content-Type"), RespContentLanguage: []byte("Content-Language"),
	RespContentLength: []byte("Content-Length"), RespDate: []byte("Date"),
	RespLastModified: []byte("Last-Modified"), RespLocation: []byte("Location"),
	RespSetCookie: []byte("Set-Cookie"), RespSetCookie2: []byte("Set-Cookie2"),
	RespServletEngine: []byte("Servlet-Engine"), RespStatus: []byte("Status"),
	RespWWWAuthenticate: []byte("WWW-Authenticate"),
}

// MethodCode gives the code of a method, 0 when it has none. Methods are
// case-sensitive (RFC 9110 section 9.1).
func MethodCode(m []byte) byte {
	switch string(m) { // the compiler makes this a jump table without a copy
	case "GET":
		return 2
	case "POST":
		return 4
	case "HEAD":
		return 3
	case "OPTIONS":
		return 1
	case "PUT":
		return 5
	case "DELETE":
		return 6
	}
	for code := 7; code < len(methods); code++ {
		if string(methods[code]) == string(m) {
			return byte(code)
		}
	}
	return 0
}

// RequestHeaderCode gives the code of a request header name in any case, 0 when it
// has none.
func RequestHeaderCode(name []byte) byte {
	switch len(name) {
	case 4:
		return oneOf(name, requestNames[ReqHost], ReqHost)
	case 6:
		switch lower(name[0]) {
		case 'a':
			return oneOf(name, requestNames[ReqAccept], ReqAccept)
		case 'c':
			return oneOf(name, requestNames[ReqCookie], ReqCookie)
		case 'p':
			return oneOf(name, requestNames[ReqPragma], ReqPragma)
		}
	case 7:
		if lower(name[0]) == 'r' {
			return oneOf(name, requestNames[ReqReferer], ReqReferer)
		}
		return oneOf(name, requestNames[ReqCookie2], ReqCookie2)
	case 10:
		if lower(name[0]) == 'u' {
			return oneOf(name, requestNames[ReqUserAgent], ReqUserAgent)
		}
		return oneOf(name, requestNames[ReqConnection], ReqConnection)
	case 12:
		return oneOf(name, requestNames[ReqContentType], ReqContentType)
	case 13:
		return oneOf(name, requestNames[ReqAuthorization], ReqAuthorization)
	case 14:
		if lower(name[0]) == 'c' {
			return oneOf(name, requestNames[ReqContentLength], ReqContentLength)
		}
		return oneOf(name, requestNames[ReqAcceptCharset], ReqAcceptCharset)
	case 15:
		if lower(name[7]) == 'e' {
			return oneOf(name, requestNames[ReqAcceptEncoding], ReqAcceptEncoding)
		}
		return oneOf(name, requestNames[ReqAcceptLanguage], ReqAcceptLanguage)
	}
	return 0
}

// ResponseHeaderCode gives the code of a response header name in any case, 0 when it
// has none. For callers that must treat a spelled-out Content-Length like a coded one.
func ResponseHeaderCode(name []byte) byte {
	for code := 1; code < len(responseNames); code++ {
		if len(responseNames[code]) == len(name) && equalFold(name, responseNames[code]) {
			return byte(code)
		}
	}
	return 0
}

func oneOf(name, want []byte, code byte) byte {
	if equalFold(name, want) {
		return code
	}
	return 0
}

// equalFold compares ASCII without regard to case; the lengths must be equal.
func equalFold(a, b []byte) bool {
	for i, c := range a {
		if c != b[i] && lower(c) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c-'A' < 26 {
		return c + ('a' - 'A')
	}
	return c
}
