package guard

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// host is another host at the end of the cable.
type host struct {
	in  io.Writer
	out *bufio.Reader
}

// another starts the host that has the other end.
func another(t *testing.T) *host {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestNamespace$")
	cmd.Env = append(os.Environ(), inNamespace+"=there")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	h := &host{in, bufio.NewReader(out)}
	run(t, fmt.Sprintf("link set d1 netns %d", cmd.Process.Pid))
	h.ask(t, "up")
	return h
}

func (h *host) ask(t *testing.T, question string) string {
	t.Helper()
	fmt.Fprintln(h.in, question)
	answer, err := h.out.ReadString('\n')
	if err != nil || strings.HasPrefix(answer, "error") {
		t.Fatalf("%s: %s %v", question, answer, err)
	}
	return strings.TrimSpace(answer)
}

// dial reports whether the host connects from one of its addresses.
func (h *host) dial(t *testing.T, from, to string) bool {
	t.Helper()
	return h.ask(t, "dial "+from+" "+to) == "yes"
}

// burst has the host begin that many connections. It returns how many it began.
func (h *host) burst(t *testing.T, from, to string, n int) (sent uint64) {
	t.Helper()
	fmt.Sscan(h.ask(t, fmt.Sprintf("burst %s %s %d", from, to, n)), &sent)
	return sent
}

// otherHost is that host. It answers a line with a line.
func otherHost() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		w := strings.Fields(lines.Text())
		switch w[0] {
		case "up":
			var out []byte
			var err error
			for _, args := range []string{"addr add 10.77.0.2/24 dev d1", "addr add 10.77.0.66/24 dev d1", "addr add 10.77.0.67/24 dev d1", "link set d1 up"} {
				if out, err = exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
					break
				}
			}
			if err != nil {
				fmt.Printf("error %v %q\n", err, out)
				continue
			}
			fmt.Println("ok")
		case "dial":
			// The first segment is dropped or not; the next comes a second later.
			d := net.Dialer{Timeout: 700 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: net.ParseIP(w[1])}}
			c, err := d.Dial("tcp", w[2])
			if err != nil {
				fmt.Println("no", err)
				continue
			}
			c.Close()
			fmt.Println("yes")
		case "burst":
			fmt.Println(burst(w[1], w[2], w[3]))
		}
	}
}

// burst begins connections without end and gives each up at once.
func burst(from, to, times string) (sent int) {
	var n int
	fmt.Sscan(times, &n)
	dst := netip.MustParseAddrPort(to)
	for range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			continue
		}
		src := netip.MustParseAddr(from)
		if unix.Bind(fd, &unix.SockaddrInet4{Addr: src.As4()}) == nil &&
			unix.Connect(fd, &unix.SockaddrInet4{Addr: dst.Addr().As4(), Port: int(dst.Port())}) == unix.EINPROGRESS {
			sent++ // one SYN
		}
		unix.Close(fd)
	}
	return sent
}
