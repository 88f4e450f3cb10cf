package realtomcat

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

// injected: attributes are made by us alone. Fields named like them stay fields, and
// what an untrusted client says about where it comes from is not believed.
func injected(t *testing.T, f *farm) {
	client := newVisitor(t, f.balancer)
	evil := map[string]string{
		"AJP_REMOTE_PORT": "1", "AJP_LOCAL_ADDR": "192.0.2.1", "AJP_SSL_PROTOCOL": "TLSv1.3",
		"JK_LB_ACTIVATION": "STP", "secret": rightSecret, "javax.servlet.request.cipher_suite": "none",
		"jakarta.servlet.request.cipher_suite": "none", "CERT_ISSUER": "mallory",
		"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "Forwarded": "for=192.0.2.7;proto=https",
	}
	for _, pool := range []string{"plain", "secret-right", "believing", "packet-both"} {
		r := client.request(http.MethodGet, pool+".test", "/app/echo?x=1", nil)
		for name, value := range evil {
			r.Header[name] = []string{value} // as written, not in the usual capitals
		}
		p := client.do(r)
		if p.status != http.StatusOK {
			// One of our own attributes would be forbidden to this connector.
			t.Errorf("%s: status %d, want 200: %s", pool, p.status, p.body)
			continue
		}
		want := map[string]string{
			"remote_addr": "127.0.0.1", "remote_user": "null", "scheme": "http", "secure": "false",
			"query": "x=1", "attr.JK_LB_ACTIVATION": "ACT", "attr.secret": "", "attr.CERT_ISSUER": "",
			"attr.javax.servlet.request.cipher_suite": "", "attr.jakarta.servlet.request.cipher_suite": "",
			"attr.AJP_REMOTE_PORT": "", "attr.AJP_SSL_PROTOCOL": "",
			"attr.org.apache.tomcat.util.net.secure_protocol_version": "",
			"header.x-forwarded-for":                                  "127.0.0.1", "header.x-forwarded-proto": "http",
		}
		for name, value := range want {
			if got := p.word(name); got != value {
				t.Errorf("%s: %s is %q, want %q", pool, name, got, value)
			}
		}
		if strings.Contains(p.word("header.forwarded"), "192.0.2.7") {
			t.Errorf("%s: the Forwarded field of the client arrived: %q", pool, p.word("header.forwarded"))
		}
		if port := p.word("remote_port"); port == "1" || port == "0" || port == "" || port == "-1" {
			t.Errorf("%s: remote port %q, want that of the client's connection", pool, port)
		}
		// 7.0 keeps the local address of an earlier request when none is sent.
		if host, _, _ := net.SplitHostPort(f.addr); p.word("local_addr") != host {
			t.Errorf("%s: local address %q, want %q", pool, p.word("local_addr"), host)
		}
	}
}
