package main

import (
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/config"
)

func TestPatients(t *testing.T) {
	cfg, problems := config.Load("catherd.yaml", []byte(`listen: 8080
routes:
  - {path: /, pool: app}
  - {path: /web, pool: web}
pools:
  app:
    secret: open sesame
    max_packet_size: 64KiB
    connections: {max: 7, keep_for: 9s}
    timeouts: {connect: 3s}
    health: {every: 1m, cping: 2s, request: {path: /up, host: shop.test, body: UP}, expect: [200, 204-206]}
    members:
      tomcat1:
        url: ajp://10.0.0.1:8009
        http: http://10.0.0.1:8080
  web:
    members:
      tomcat1: https://10.0.0.1:8443
`), nil, config.Options{})
	if cfg == nil {
		t.Fatal(problems)
	}
	list := patients(cfg)
	if len(list) != 3 || list[0].label != "app/tomcat1" || list[1].label != "app/tomcat1 (http)" || list[2].label != "web/tomcat1" {
		t.Fatalf("%+v", list)
	}
	s := list[0].subject
	if s.Protocol != "ajp" || s.Addr != "10.0.0.1:8009" || s.Secret != "open sesame" || s.Packet != 65536 || s.Max != 7 ||
		s.KeepFor != 9*time.Second || s.Connect != 3*time.Second || s.Ping != 2*time.Second || s.Answer != 3500*time.Millisecond ||
		s.Path != "/up" || s.Host != "shop.test" || s.Body != "UP" || len(s.Expect) != 2 || s.Expect[1].To != 206 {
		t.Errorf("%+v", s)
	}
	if s := list[1].subject; s.Protocol != "http" || s.Secret != "" {
		t.Errorf("the HTTP connector gets the secret: %+v", s)
	}
}

func TestAddressOf(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		a, ok := addressOf(text)
		if got := a.String(); ok != (want != "") || got != want {
			t.Errorf("%q: %q, %t; want %q", text, got, ok, want)
		}
	}
	f("ajp://10.0.0.1:8009", "ajp://10.0.0.1:8009")
	f("http://[::1]:8080", "http://[::1]:8080")
	f("ajp://10.0.0.1", "")
	f("ajp://:8009", "")
	f("not found yet", "")
	f("%", "")
}
