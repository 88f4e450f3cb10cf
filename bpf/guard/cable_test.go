package guard

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/internal/kern"
	"github.com/catherd/catherd/bpf/internal/netlab"
)

var (
	serverAt = netip.MustParsePrefix("192.0.2.10/24")
	clientAt = netip.MustParsePrefix("192.0.2.1/24")
	deniedAt = netip.MustParsePrefix("192.0.2.66/24")
)

// TestCable sends real packets through every mode: a client on the other end of
// a cable connects as long as it is not denied.
func TestCable(t *testing.T) {
	for _, mode := range []Mode{Native, TCX, Generic} {
		t.Run(mode.String(), func(t *testing.T) { cable(t, mode) })
	}
}

func cable(t *testing.T, mode Mode) {
	b := start(t, Rules{Serve: []Endpoint{{First: 80, Last: 81}}, Deny: prefixes("192.0.2.66/32")})
	server, client := netlab.New(t), netlab.New(t)
	server.Veth("in", serverAt, client, "out", clientAt)
	client.Address("out", deniedAt)
	index := server.Index("in")
	server.Do(func() error {
		got, err := b.g.Attach(index, mode)
		if err == nil && got != mode {
			err = fmt.Errorf("attached as %s", got)
		}
		return err
	})
	for _, port := range []string{"80", "22"} {
		server.Do(func() error {
			l, err := net.Listen("tcp4", ":"+port)
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		})
	}
	dial := func(from netip.Prefix, port string, wait time.Duration) (err error) {
		client.Do(func() error {
			d := net.Dialer{Timeout: wait, LocalAddr: &net.TCPAddr{IP: from.Addr().AsSlice()}}
			var c net.Conn
			if c, err = d.Dial("tcp4", "192.0.2.10:"+port); err == nil {
				c.Close()
			}
			return nil
		})
		return err
	}
	connects := func(from netip.Prefix, port, what string) {
		t.Helper()
		if err := dial(from, port, 10*time.Second); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	// The first SYN is dropped at once and the next comes a second later.
	refused := func(from netip.Prefix, port, what string) {
		t.Helper()
		var timeout net.Error
		if err := dial(from, port, 200*time.Millisecond); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%s: %v", what, err)
		}
	}
	connects(clientAt, "80", "a client is refused")
	refused(deniedAt, "80", "a denied client connects")
	connects(deniedAt, "22", "what is not served is guarded")
	if n := b.g.Counts().Of("deny 192.0.2.66/32").Packets; n == 0 {
		t.Error("no dropped packet is counted")
	}

	// Other rules take over, and the counts go on.
	before := b.g.Counts().Of("connections").Packets
	b.g.set(t, Rules{Serve: []Endpoint{{First: 80}}, Deny: prefixes("192.0.2.1/32")})
	connects(deniedAt, "80", "a client that is denied no more")
	refused(clientAt, "80", "the new rules do not hold")
	if n := b.g.Counts().Of("connections").Packets; n != before+1 {
		t.Errorf("connections: %d before, %d now, want one more", before, n)
	}

	// A set that cannot be leaves the old one at work.
	if err := b.g.Set(Rules{Serve: []Endpoint{{}}}); err == nil {
		t.Error("port 0 is served")
	}
	refused(clientAt, "80", "the old rules do not hold")

	// A dry run drops nothing and counts on.
	b.g.set(t, Rules{Serve: []Endpoint{{First: 80}}, Deny: prefixes("192.0.2.1/32"), DryRun: true})
	before = b.g.Counts().Of("deny 192.0.2.1/32").Packets
	connects(clientAt, "80", "a dry run drops")
	if n := b.g.Counts().Of("deny 192.0.2.1/32").Packets; n <= before {
		t.Errorf("a dry run does not count: %d before, %d now", before, n)
	}

	b.g.set(t, Rules{Serve: []Endpoint{{First: 80}}, Deny: prefixes("192.0.2.1/32")})
	if err := b.g.Close(); err != nil {
		t.Error(err)
	}
	connects(clientAt, "80", "a closed guard drops")
}

func (g *Guard) set(t *testing.T, r Rules) {
	t.Helper()
	if err := g.Set(r); err != nil {
		t.Fatal(err)
	}
}

// TestNoEthernet has an interface whose packets begin with the network's header.
func TestNoEthernet(t *testing.T) {
	b := start(t, Rules{})
	lab := netlab.New(t)
	lab.Do(func() error {
		tun, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
			return nil // a kernel without tunnels has no such interface
		}
		if err != nil {
			return err
		}
		defer unix.Close(tun)
		request, err := unix.NewIfreq("tun0")
		if err != nil {
			return err
		}
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		if err := unix.IoctlIfreq(tun, unix.TUNSETIFF, request); err != nil {
			return err
		}
		i, err := net.InterfaceByName("tun0")
		if err != nil {
			return err
		}
		if _, err := b.g.Attach(i.Index, Auto); !errors.Is(err, kern.ErrUnsupported) {
			t.Errorf("attached to a tunnel: %v", err)
		}
		if _, err := b.g.Attach(9999, Auto); err == nil {
			t.Error("attached to nothing")
		}
		return nil
	})
}
