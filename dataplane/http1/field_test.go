package http1

import (
	"bytes"
	"strings"
	"testing"
)

// known is every name with an ID, as RFC 9110 or its own specification spells it.
var known = map[ID]string{
	Host: "Host", Connection: "Connection", KeepAlive: "Keep-Alive",
	ProxyConnection: "Proxy-Connection", TE: "TE", Trailer: "Trailer",
	TransferEncoding: "Transfer-Encoding", Upgrade: "Upgrade",
	ContentLength: "Content-Length", Expect: "Expect", Cookie: "Cookie",
	XForwardedFor: "X-Forwarded-For", XForwardedProto: "X-Forwarded-Proto",
	XForwardedHost: "X-Forwarded-Host", XForwardedPort: "X-Forwarded-Port",
	Forwarded: "Forwarded", HTTP2Settings: "HTTP2-Settings",
	ProxyAuthenticate: "Proxy-Authenticate", ProxyAuthorization: "Proxy-Authorization",
	Accept: "Accept", AcceptCharset: "Accept-Charset", AcceptEncoding: "Accept-Encoding",
	AcceptLanguage: "Accept-Language", Authorization: "Authorization",
	ContentType: "Content-Type", Pragma: "Pragma", Referer: "Referer",
	UserAgent: "User-Agent", Cookie2: "Cookie2", Date: "Date", Server: "Server",
	SetCookie: "Set-Cookie", SetCookie2: "Set-Cookie2", Location: "Location",
	ContentEncoding: "Content-Encoding", ContentLanguage: "Content-Language",
	LastModified: "Last-Modified", ETag: "ETag", Via: "Via",
	CacheControl: "Cache-Control", WWWAuthenticate: "WWW-Authenticate",
	ServletEngine: "Servlet-Engine", Status: "Status", ContentRange: "Content-Range",
	RetryAfter: "Retry-After", Origin: "Origin",
}

func TestLookup(t *testing.T) {
	if len(known) != int(numIDs)-1 {
		t.Errorf("%d names are tested, %d have an ID", len(known), numIDs-1)
	}
	if Other.String() != "" || numIDs.String() != "" {
		t.Errorf("String of no name is %q and %q", Other, numIDs)
	}
	for id, name := range known {
		if id.String() != name {
			t.Errorf("String of %d is %q, want %q", id, id.String(), name)
		}
		for _, s := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			if got := Lookup([]byte(s)); got != id {
				t.Errorf("Lookup(%q) = %d, want %d", s, got, id)
			}
		}
		// No neighbour of a name is taken for it.
		for i := range len(name) {
			for _, c := range []byte{'x', '_', 0x0d, name[i] ^ 0x80, name[i] ^ 0x10} {
				b := []byte(name)
				b[i] = c
				if got := Lookup(b); got != Other && !strings.EqualFold(string(b), known[got]) {
					t.Errorf("Lookup(%q) = %d", b, got)
				}
			}
		}
		for _, s := range []string{name[1:], name[:len(name)-1], name + "s", "x" + name} {
			if got := Lookup([]byte(s)); got != Other && !strings.EqualFold(s, known[got]) {
				t.Errorf("Lookup(%q) = %d", s, got)
			}
		}
	}
	for n := range 40 {
		if got := Lookup(bytes.Repeat([]byte("q"), n)); got != Other {
			t.Errorf("Lookup of %d q = %d", n, got)
		}
	}
}

// textEnd looks at eight bytes at a time; it must agree with the table wherever a
// byte stands.
func TestTextEnd(t *testing.T) {
	for size := range 20 {
		for at := range size {
			for c := range 256 {
				for _, fill := range []byte{' ', 0x80, '~', '\t'} {
					b := bytes.Repeat([]byte{fill}, size)
					b[at] = byte(c)
					want := size
					if c != '\t' && (c < 0x20 || c == 0x7f) {
						want = at
					}
					if got := textEnd(b, 0); got != want {
						t.Fatalf("textEnd(%q) = %d, want %d", b, got, want)
					}
				}
			}
		}
	}
}
