package discover

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

func TestParseSocket(t *testing.T) {
	const head = "   0: "
	const tail = " 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0"
	f := func(fields, want string) {
		t.Helper()
		at, inode, ok := parseSocket(head + fields + tail)
		if want == "" {
			if ok {
				t.Errorf("%q is read as %v", fields, at)
			}
			return
		}
		if !ok || at.String() != want || inode != 4711 {
			t.Errorf("%q: got %v, inode %d, %v", fields, at, inode, ok)
		}
	}
	f("0100007F:1F49 00000000:0000 0A", "127.0.0.1:8009")
	f("00000000:0FA0 00000000:0000 0A", "0.0.0.0:4000")
	f("00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A", "[::]:8080")
	f("00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A", "[::1]:8080")
	f("0000000000000000FFFF00000100007F:0FA0 00000000000000000000000000000000:0000 0A", "127.0.0.1:4000")
	f("0100007F:1F49 0100007F:A0B0 01", "") // a connection
	f("0100007F 00000000:0000 0A", "")
	f("0100:1F49 00000000:0000 0A", "")
	f("0100007F:1F490 00000000:0000 0A", "")
	f("zz00007F:1F49 00000000:0000 0A", "")
	if _, _, ok := parseSocket("sl local_address rem_address st"); ok {
		t.Error("the head line is read as a socket")
	}
	line := head + "0100007F:1F49 00000000:0000 0A" + " 00000000:00000000 00:00000000 00000000 0 0 4711"
	for n := range len(line) - 4 { // the inode's own digits are a number however short
		if _, _, ok := parseSocket(line[:n]); ok {
			t.Errorf("%q is read as a socket", line[:n])
		}
	}
}

func FuzzParseSocket(f *testing.F) {
	f.Add("   0: 0100007F:1F49 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1")
	f.Add("   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 1")
	f.Fuzz(func(t *testing.T, line string) {
		if at, _, ok := parseSocket(line); ok && (!at.IsValid() || at.Addr().Is4In6()) {
			t.Errorf("%q: %v", line, at)
		}
	})
}

// The real kernel: this very process listens, and is found by one of its ports.
func TestOwnersOfThisHost(t *testing.T) {
	var at []netip.AddrPort
	for _, a := range []string{"127.0.0.1:0", "127.0.0.1:0", "[::]:0"} {
		l, err := net.Listen("tcp", a)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		p := l.Addr().(*net.TCPAddr).AddrPort()
		at = append(at, netip.AddrPortFrom(p.Addr().Unmap(), p.Port()))
	}
	nobody := netip.MustParseAddrPort("127.0.0.99:1")
	got := Owners([]netip.AddrPort{at[0], nobody})
	if len(got) != 1 {
		t.Fatalf("got %v", got)
	}
	for _, a := range at {
		if !slices.Contains(got[at[0]], a) {
			t.Errorf("%v is not in %v", a, got[at[0]])
		}
	}
	// A receiver on 127.0.0.1 of a process that listens on all addresses.
	if wild := netip.AddrPortFrom(at[0].Addr(), at[2].Port()); len(Owners([]netip.AddrPort{wild})) != 1 {
		t.Errorf("%v has no owner", wild)
	}
	if len(Owners(nil)) != 0 {
		t.Error("an owner of nothing")
	}
}

// fakeProc makes a /proc with one Tomcat, one other Java process and one that
// may not be looked into.
func fakeProc(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	line := func(addr string, inode int) string {
		return "   0: " + addr + " 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 " + strconv.Itoa(inode) + " 1\n"
	}
	write("net/tcp", "  sl  local_address rem_address   st\n"+line("0100007F:0FA0", 11)+line("0100007F:1F49", 12)+line("0100007F:1388", 21))
	write("net/tcp6", line("00000000000000000000000000000000:1F90", 13))
	write("100/cmdline", "/usr/lib/jvm/bin/java\x00-Dcatalina.base=/srv/t1\x00org.apache.catalina.startup.Bootstrap\x00start\x00")
	write("200/cmdline", "/usr/bin/python3\x00")
	write("300/cmdline", "java\x00")
	write("self/cmdline", "x")
	link := func(pid, fd, to string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, pid, "fd"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, filepath.Join(dir, pid, "fd", fd)); err != nil {
			t.Fatal(err)
		}
	}
	link("100", "3", "socket:[11]")
	link("100", "4", "socket:[12]")
	link("100", "5", "socket:[13]")
	link("100", "6", "/dev/null")
	link("100", "7", "socket:[999]")
	link("200", "3", "socket:[21]")
	return dir
}

func TestOwnersOfProc(t *testing.T) {
	dir := fakeProc(t)
	receiver := netip.MustParseAddrPort("127.0.0.1:4000")
	got := owners(dir, []netip.AddrPort{receiver, netip.MustParseAddrPort("127.0.0.1:6000")})
	want := addrs([]string{"127.0.0.1:4000", "127.0.0.1:8009", "[::]:8080"})
	if len(got) != 1 || !slices.Equal(got[receiver], want) {
		t.Errorf("got %v", got)
	}
	if got := owners(filepath.Join(dir, "nowhere"), []netip.AddrPort{receiver}); len(got) != 0 {
		t.Errorf("without /proc: %v", got)
	}
}

func TestLocalJava(t *testing.T) {
	got := localJava(fakeProc(t))
	if len(got) != 1 || got[0].PID != 100 || got[0].Base != "/srv/t1" || got[0].Command != "/usr/lib/jvm/bin/java" || len(got[0].Listens) != 3 {
		t.Errorf("got %+v", got)
	}
	for _, p := range LocalJava() {
		if p.PID == os.Getpid() || len(p.Listens) == 0 {
			t.Errorf("%+v is no Java process that listens", p)
		}
	}
}
