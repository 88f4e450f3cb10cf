package guard

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/internal/netlab"
)

// TestGroupSockets sends to a group whose socket is on the same host, once by
// loopback and once by a cable, where the host gets a copy of what it sends.
// What no member can have sent never reaches the socket.
func TestGroupSockets(t *testing.T) {
	for _, device := range []string{"lo", "in"} {
		t.Run(device, func(t *testing.T) { groupSockets(t, device) })
	}
}

func groupSockets(t *testing.T, device string) {
	group := netip.MustParseAddrPort("228.0.0.4:45564")
	b := start(t, Rules{Groups: []Group{{At: group, Shape: ShapeMember, Source: Rate{PerSecond: 1, Burst: 3}}}})
	here, there := netlab.New(t), netlab.New(t)
	here.Veth("in", serverAt, there, "out", clientAt)
	index := here.Index(device)
	var to *net.UDPConn
	var from net.PacketConn
	here.Do(func() (err error) {
		if _, err = b.g.Attach(index, TCX); err != nil {
			return err
		}
		if got := b.g.Attached()[index]; got != TCX {
			return fmt.Errorf("attached as %s", got)
		}
		i, err := net.InterfaceByIndex(index)
		if err != nil {
			return err
		}
		if to, err = net.ListenMulticastUDP("udp4", i, net.UDPAddrFromAddrPort(group)); err != nil {
			return err
		}
		if from, err = net.ListenPacket("udp4", ":0"); err != nil {
			return err
		}
		raw, err := from.(*net.UDPConn).SyscallConn()
		if err != nil {
			return err
		}
		if cerr := raw.Control(func(fd uintptr) {
			err = unix.SetsockoptIPMreqn(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(index)})
		}); cerr != nil {
			return cerr
		}
		return err
	})
	defer to.Close()
	defer from.Close()

	// Delivery on one host is in order, so all before the last have been
	// judged once that has come.
	send := func(s string) {
		if _, err := from.WriteTo([]byte(s), net.UDPAddrFromAddrPort(group)); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		send("what no member sends, yet as long as what one sends: " + heartbeat)
	}
	send(heartbeat)
	buf := make([]byte, 1000)
	to.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := to.Read(buf)
	if err != nil || string(buf[:n]) != heartbeat {
		t.Fatalf("got %q, %v", buf[:n], err)
	}
	for range 50 {
		send(heartbeat)
	}
	c := b.g.Counts()
	if got := c.Of("group not a member").Packets; got != 50 {
		t.Errorf("not a member: %d, want 50", got)
	}
	if got := c.Of("group too fast").Packets; got < 46 || got > 48 {
		t.Errorf("too fast: %d of 51, want 48", got)
	}
	if err := b.g.Detach(index); err != nil {
		t.Error(err)
	}
	if len(b.g.Attached()) != 0 {
		t.Errorf("attached after Detach: %v", b.g.Attached())
	}
}
