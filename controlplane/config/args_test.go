package config

import (
	"testing"
)

func TestFromBackends(t *testing.T) {
	c, ps := fromBackends(":8080", []string{"ajp://127.0.0.1:8009", "http://127.0.0.1:9080"},
		func(name string) string { return map[string]string{SecretVariable: "s3cret"}[name] })
	if c == nil || len(ps) > 0 {
		t.Fatalf("refused:\n%s", ps)
	}
	p := c.Pool("default")
	if c.Listen[0].Address != ":8080" || len(p.Members) != 2 || p.Members[1].URL.String() != "http://127.0.0.1:9080" || p.Members[0].Route != "" {
		t.Errorf("got %+v", c)
	}
	if p.Secret != "s3cret" || c.Origin("pools.default.members.127.0.0.1-8009.url").String() != "backend 1" {
		t.Errorf("secret %q, origin %v", p.Secret, c.Origin("pools.default.members.127.0.0.1-8009.url"))
	}
	text, _ := Load("a.yaml", []byte("listen: 8080\nbackends: [ajp://127.0.0.1:8009, http://127.0.0.1:9080]\n"),
		func(name string) string { return map[string]string{SecretVariable: "s3cret"}[name] }, Options{})
	if text.Digest() != c.Digest() {
		t.Error("the same configuration in a file has another digest")
	}
}

func TestFromBackendsRefuses(t *testing.T) {
	f := func(listen string, urls []string, want string) {
		t.Helper()
		c, ps := fromBackends(listen, urls, nil)
		if c != nil || ps.String() != want {
			t.Errorf("got\n%swant\n%s", ps, want)
		}
	}
	f(":80800", []string{"ajp://127.0.0.1:8009", "ajp://127.0.0.1:80090"},
		`--listen: listen.address: port 80800 is out of range
     | :80800
     | ^ ports are 1 to 65535
backend 2: backends[1]: port 80090 is out of range
     | ajp://127.0.0.1:80090
     | ^ ports are 1 to 65535; Tomcat's AJP default is 8009
2 errors, nothing was changed
`)
	f("", []string{"127.0.0.1:8009"},
		`backend 1: backends[0]: "127.0.0.1:8009" has no scheme
     | 127.0.0.1:8009
     | ^ say which protocol it speaks: ajp://127.0.0.1:8009
1 error, nothing was changed
`)
	f("", nil,
		`arguments: there are no backends
     | 
     | ^ add backends: [ajp://127.0.0.1:8009], or pools
1 error, nothing was changed
`)
	f("${HOME}", []string{"ajp://x\x1b[31m:8009"},
		`--listen: listen.address: "${HOME}" has no port
     | ${HOME}
     | ^ write ${HOME}:80
backend 1: backends[0]: "x\x1b[31m" is not a host
     | ajp://x?[31m:8009
     | ^ write a name or an IP address
2 errors, nothing was changed
`)
}

func TestFromBackendsReadsTheEnvironment(t *testing.T) {
	t.Setenv(SecretVariable, "s3cret")
	c, ps := FromBackends("127.0.0.1:8080", []string{"ajp://127.0.0.1:8009"})
	if c == nil || c.Pools[0].Secret != "s3cret" || ps.HasErrors() || ps.HasWarnings() {
		t.Errorf("got %+v\n%s", c, ps)
	}
	t.Setenv(SecretVariable, "two\nlines")
	_, ps = FromBackends("", []string{"ajp://127.0.0.1:8009"})
	want := `backend 1: the environment variable CATHERD_AJP_SECRET cannot be a secret: the text has control characters or is longer than 1024 bytes
     | ajp://127.0.0.1:8009
     | ^ set it to one line of plain text
1 error, nothing was changed
`
	if ps.String() != want {
		t.Errorf("got\n%s", ps)
	}
	// The same address twice is a warning, and the names stay apart.
	c, ps = fromBackends("", []string{"http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080"}, nil)
	if c == nil || !ps.HasWarnings() || c.Pools[0].Members[2].Name != "127.0.0.1-8080-3" {
		t.Errorf("got %+v\n%s", c, ps)
	}
}
