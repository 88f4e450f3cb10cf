package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestConnectFaults(t *testing.T) {
	f := func(err error, want, names string) {
		t.Helper()
		s := Subject{Protocol: AJP, Addr: "192.0.2.1:8009"}
		s.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}
		r := Examine(t.Context(), s)
		wants(t, r, want)
		if len(r.Steps) != 1 || !strings.Contains(r.Text("", 0, 1000), names) {
			t.Errorf("nothing says %q:\n%s", names, r.Text("", 0, 1000))
		}
	}
	f(os.NewSyscallError("connect", syscall.ECONNREFUSED), "refused", "address=")
	f(os.NewSyscallError("connect", syscall.ETIMEDOUT), "filtered", "firewall")
	f(context.DeadlineExceeded, "filtered", "no answer within 1 s")
	f(os.NewSyscallError("connect", syscall.EHOSTUNREACH), "unreachable", "no way to the host")
	f(&net.DNSError{Name: "tomcat9", IsNotFound: true}, "host-unknown", "misspelt")
	f(&net.DNSError{Name: "tomcat9", IsTemporary: true}, "host-unknown", "name server")
	f(os.NewSyscallError("connect", syscall.EACCES), "unreachable", "permission denied")
	f(errors.New("odd"), "unreachable", "odd")
}

// With real sockets: nobody there, and somebody on another address of this host.
func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := Subject{Protocol: AJP, Addr: net.JoinHostPort("127.9.8.7", port), Connect: 20 * time.Second}
	r := Examine(t.Context(), s)
	wants(t, r, "bound-elsewhere")
	if f := r.Findings[0]; f.Attribute != "address" || !strings.Contains(f.Seen, l.Addr().String()) || !strings.Contains(f.Cure, `address="127.9.8.7"`) {
		t.Errorf("%+v", f)
	}
	l.Close()
	wants(t, Examine(t.Context(), s), "refused")
}

func TestText(t *testing.T) {
	r := Report{
		Steps: []Step{
			{Name: "connect", OK: true, Took: 300 * time.Microsecond},
			{Name: "GET /healthz", Result: "403"},
		},
		Findings: []Finding{{ID: "x", Severity: Warning, Seen: "One two three.", Cause: "Four five.", Cure: "Six."}},
	}
	want := "tomcat1   connect 0.3 ms   GET /healthz 403\n" +
		"          warning: One two\n          three. Four five.\n          Six.\n"
	if got := r.Text("tomcat1", 8, 28); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if r.OK() || !r.Has("x") || r.Has("y") {
		t.Error("a warning is not counted")
	}
	data, err := json.Marshal(r.Steps)
	if want := `[{"name":"connect","ok":true,"took_seconds":0.0003},{"name":"GET /healthz","ok":false,"result":"403","took_seconds":0}]`; err != nil || string(data) != want {
		t.Errorf("got %s, %v", data, err)
	}
	f := func(d time.Duration, want string) {
		t.Helper()
		if got := span(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
	f(0, "0.0 ms")
	f(99*time.Millisecond, "99.0 ms")
	f(250*time.Millisecond, "250 ms")
	f(1500*time.Millisecond, "1.5 s")
}
