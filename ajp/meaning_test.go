package ajp

import "testing"

// TestGoldenMeaning spells out one captured request and one captured response, so
// that reader and writer cannot agree on the same mistake.
func TestGoldenMeaning(t *testing.T) {
	x := golden(t)[2]
	var r Request
	if err := r.Parse(x.steps[0].bytes[HeadLen:]); err != nil {
		t.Fatal(err)
	}
	f := func(what string, got []byte, want string) {
		t.Helper()
		if string(got) != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	f("method", r.Method, "GET")
	f("protocol", r.Protocol, "HTTP/1.1")
	f("uri", r.URI, "/app/info")
	f("remote address", r.RemoteAddr, "192.0.2.10")
	f("remote host", r.RemoteHost, "client.example")
	f("server name", r.ServerName, "example.com")
	f("host", r.Header("Host"), "example.com")
	f("accept", r.Header("accept"), "*/*")
	f("x-custom", r.Header("x-CUSTOM"), "v1")
	f("user", r.Attr(AttrRemoteUser), "alice")
	f("auth", r.Attr(AttrAuthType), "BASIC")
	f("query", r.Attr(AttrQuery), "q=1&r=2")
	f("route", r.Attr(AttrRoute), "n1")
	f("cipher", r.Attr(AttrSSLCipher), "TLS_AES_128_GCM_SHA256")
	f("session", r.Attr(AttrSSLSession), "aabbcc")
	f("port", r.ReqAttr(NameRemotePort), "54321")
	f("local", r.ReqAttr(NameLocalAddr), "192.0.2.1")
	f("tls", r.ReqAttr(NameSSLProtocol), "TLSv1.3")
	f("activation", r.ReqAttr(NameActivation), "ACT")
	if v := r.Header("X-Empty"); v == nil || len(v) != 0 {
		t.Errorf("x-empty: %q, nil %t", v, v == nil)
	}
	if r.ServerPort != 443 || !r.SSL || r.Attributes[7].Bits != 128 {
		t.Errorf("port %d, ssl %t, bits %d", r.ServerPort, r.SSL, r.Attributes[7].Bits)
	}
	if !r.Authorized("s3cret") || r.Authorized("other") || !r.Authorized("") {
		t.Error("secret of the captured request is not the one it was sent with")
	}

	var h ResponseHead
	if err := h.Parse(golden(t)[11].steps[1].bytes[HeadLen:]); err != nil {
		t.Fatal(err)
	}
	if h.Status != 200 || string(h.Message) != "200" || len(h.Fields) != 3 {
		t.Fatalf("status %d, message %q, %d fields", h.Status, h.Message, len(h.Fields))
	}
	f("name 0", h.Fields[0].Name, "Set-Cookie")
	f("value 0", h.Fields[0].Value, "JSESSIONID=791E7DE5C6A6B55E38040287F648AE14.n1; Path=/app; HttpOnly")
	f("name 1", h.Fields[1].Name, "Content-Type")
	f("value 1", h.Fields[1].Value, "text/plain;charset=ISO-8859-1")
	f("name 2", h.Fields[2].Name, "Content-Length")
	f("value 2", h.Fields[2].Value, "39")
}
