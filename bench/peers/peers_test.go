package peers

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/catherd/catherd/bench/load"
	"github.com/catherd/catherd/bench/peers/canned"
)

// TestMain makes the test binary a stand-in for a proxy when it is started with
// a mode and a directory as its arguments.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && strings.HasPrefix(os.Args[1], "stand-in-") {
		standIn(os.Args[1], os.Args[2])
	}
	os.Exit(m.Run())
}

func standIn(mode, dir string) {
	addr, err := os.ReadFile(filepath.Join(dir, "stand-in.conf"))
	if err != nil || mode == "stand-in-broken" {
		_, _ = io.WriteString(os.Stderr, "no such backend in line 7\n")
		os.Exit(3)
	}
	if mode == "stand-in-stubborn" {
		signal.Ignore(syscall.SIGTERM)
		if err := exec.Command("/bin/sh", "-c", "trap '' TERM; while :; do sleep 60; done").Start(); err != nil {
			os.Exit(4)
		}
	}
	_ = http.ListenAndServe(strings.TrimSpace(string(addr)), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok")
	}))
	os.Exit(5)
}

// standInKind uses a template of its own by borrowing the listen line of
// Catherd's configuration.
func standInKind(t *testing.T, mode string) Kind {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Kind{
		Name: mode, Wire: "http", program: exe,
		files: map[string]string{"stand-in.yaml": "catherd.yaml"},
		args: func(_, dir string) []string {
			text, err := os.ReadFile(filepath.Join(dir, "stand-in.yaml"))
			if err != nil {
				t.Error(err)
			}
			_, rest, _ := strings.Cut(string(text), "listen: ")
			addr, _, _ := strings.Cut(rest, "\n")
			if err := os.WriteFile(filepath.Join(dir, "stand-in.conf"), []byte(addr), 0o644); err != nil {
				t.Error(err)
			}
			return []string{mode, dir}
		},
	}
}

var get = load.Request{Host: "h", Path: "/"}.Bytes()

func TestStartAndStop(t *testing.T) {
	p, err := standInKind(t, "stand-in-good").Start(context.Background(), Setup{}, get, load.Expect{Status: 200, Length: 2})
	if err != nil {
		t.Fatal(err)
	}
	if !p.Running() || p.Ready <= 0 || !p.Addr.Addr().IsLoopback() {
		t.Errorf("running %v, ready after %v, at %v", p.Running(), p.Ready, p.Addr)
	}
	if _, err := os.Stat(p.dir); err != nil {
		t.Error(err)
	}
	p.Stop()
	p.Stop()
	if p.Running() {
		t.Error("runs after Stop")
	}
	if _, err := os.Stat(p.dir); !os.IsNotExist(err) {
		t.Errorf("directory after Stop: %v", err)
	}
	if c, err := net.Dial("tcp4", p.Addr.String()); err == nil {
		_ = c.Close()
		t.Error("answers after Stop")
	}
}

func TestStopKillsTheStubbornAndTheirChildren(t *testing.T) {
	p, err := standInKind(t, "stand-in-stubborn").Start(context.Background(), Setup{}, get, load.Expect{Status: 200, Length: 2})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := load.Tree(p.PID)
	if err != nil || len(tree) < 2 {
		t.Fatalf("tree %v, %v, want a child", tree, err)
	}
	p.grace = 0
	p.Stop()
	if p.Running() {
		t.Error("runs after Stop")
	}
	// A killed orphan may linger as a zombie until its new parent looks.
	for _, pid := range tree[1:] {
		stat, err := os.ReadFile(filepath.Join("/proc", itoa(pid), "stat"))
		if err == nil && !strings.Contains(string(stat), ") Z ") && !strings.Contains(string(stat), ") X ") {
			t.Errorf("child %d lives: %s", pid, stat)
		}
	}
}

func TestStartSaysWhatTheProxySaid(t *testing.T) {
	_, err := standInKind(t, "stand-in-broken").Start(context.Background(), Setup{}, get, load.Expect{Status: 200})
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no such backend in line 7") {
		t.Errorf("%v", err)
	}
}

func TestStartStopsWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if p, err := standInKind(t, "stand-in-good").Start(ctx, Setup{}, get, load.Expect{Status: 200}); err == nil {
		p.Stop()
		t.Error("started in a run that is over")
	}
}

func members(ports ...uint16) []Member {
	var m []Member
	for i, port := range ports {
		m = append(m, Member{"tomcat" + itoa(i+1), netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)})
	}
	return m
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

// Every configuration names its own protocol's members and where to listen, and
// follows sessions only when told to.
func TestRender(t *testing.T) {
	listen := netip.MustParseAddrPort("127.0.0.1:4001")
	admin := netip.MustParseAddrPort("127.0.0.1:4002")
	for _, k := range kinds {
		if k.Name == "floor" {
			continue // it knows one member and no session
		}
		text := map[bool]string{}
		for _, sticky := range []bool{true, false} {
			s := Setup{AJP: members(5001, 5002), HTTP: members(6001, 6002), Sticky: sticky}
			files, err := k.render(k.values(s, "/nowhere", listen, admin))
			if err != nil {
				t.Fatal(err)
			}
			var all strings.Builder
			for _, b := range files {
				all.Write(b)
			}
			text[sticky] = all.String()
			mine, others := []string{"5001", "5002"}, []string{"6001", "6002"}
			if k.Wire == "http" {
				mine, others = others, mine
			}
			for _, want := range append(mine, "127.0.0.1:4001", "tomcat1", "tomcat2") {
				if !strings.Contains(text[sticky], want) {
					t.Errorf("%s: no %q in\n%s", k.Name, want, text[sticky])
				}
			}
			for _, bad := range append(others, "<no value>", "{{") {
				if strings.Contains(text[sticky], bad) {
					t.Errorf("%s: %q in\n%s", k.Name, bad, text[sticky])
				}
			}
		}
		if text[true] == text[false] {
			t.Errorf("%s: the same with and without sessions", k.Name)
		}
	}
}

func TestDigest(t *testing.T) {
	seen := map[string]string{}
	for _, k := range kinds {
		for _, sticky := range []bool{true, false} {
			d, err := k.Digest(Setup{Sticky: sticky, Packet: 8192})
			if err != nil || len(d) != 12 {
				t.Fatalf("%s: %q, %v", k.Name, d, err)
			}
			if again, _ := k.Digest(Setup{Sticky: sticky, Packet: 8192}); again != d {
				t.Errorf("%s: %s, then %s", k.Name, d, again)
			}
			if other, taken := seen[d]; taken && (k.Name != "floor" || other != "floor") {
				t.Errorf("%s and %s: the same digest %s", k.Name, other, d)
			}
			seen[d] = k.Name
		}
	}
}

func TestFind(t *testing.T) {
	for _, name := range Names() {
		if k, err := Find(name); err != nil || k.Name != name {
			t.Errorf("%s: %v, %v", name, k.Name, err)
		}
	}
	if _, err := Find("squid"); err == nil || !strings.Contains(err.Error(), "haproxy") {
		t.Errorf("squid: %v", err)
	}
}

// What is installed here serves a request of each session; what is not is named.
func TestEveryKindServesOrIsNamed(t *testing.T) {
	s := Setup{Sticky: true, Catherd: "/nowhere/catherd"}
	for _, name := range []string{"tomcat1", "tomcat2"} {
		for _, protocol := range []canned.Protocol{canned.AJP, canned.HTTP} {
			server, err := canned.Start(canned.Options{Protocol: protocol, Size: 100})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			m := Member{Name: name, Addr: server.Addr()}
			if protocol == canned.AJP {
				s.AJP = append(s.AJP, m)
			} else {
				s.HTTP = append(s.HTTP, m)
			}
		}
	}
	expect := load.Expect{Status: 200, Length: 100}
	for _, k := range kinds {
		if err := k.Missing(s.Catherd); err != nil {
			if !strings.Contains(err.Error(), k.Name) {
				t.Errorf("%s is missing: %v", k.Name, err)
			}
			if _, err := k.Start(context.Background(), s, get, expect); err == nil {
				t.Errorf("%s is missing and started", k.Name)
			}
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			p, err := k.Start(context.Background(), s, get, expect)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Stop()
			c, err := net.Dial("tcp4", p.Addr.String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			for _, route := range []string{"tomcat1", "tomcat2", "gone"} {
				request := load.Request{Host: "h", Path: "/a;b=c?d", Cookie: "x=y; JSESSIONID=1." + route, Body: make([]byte, 20_000)}
				if err := load.Exchange(c, request.Bytes(), expect); err != nil {
					t.Errorf("session on %s: %v", route, err)
				}
			}
			if v := k.Version(""); !strings.ContainsAny(v, "0123456789") {
				t.Errorf("version %q", v)
			}
		})
	}
}
