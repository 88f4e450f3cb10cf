package guard

import (
	"net"
	"net/netip"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkFlood is what one datagram to the group costs its sender on the same
// host, where sending includes receiving: with a member of the group whose
// buffer is full, and with the guard in front of it.
func BenchmarkFlood(b *testing.B) {
	group := netip.MustParseAddrPort("228.0.0.4:45599")
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		b.Skip(err)
	}
	var from net.PacketConn
	open := func(b *testing.B, join bool) {
		if join {
			to, err := net.ListenMulticastUDP("udp4", lo, net.UDPAddrFromAddrPort(group))
			if err != nil {
				b.Skip(err)
			}
			b.Cleanup(func() { to.Close() })
		}
		if from, err = net.ListenPacket("udp4", "127.0.0.1:0"); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { from.Close() })
		raw, err := from.(*net.UDPConn).SyscallConn()
		if err != nil {
			b.Fatal(err)
		}
		raw.Control(func(fd uintptr) {
			err = unix.SetsockoptIPMreqn(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(lo.Index)})
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	// What others do on the machine meanwhile is not our cost.
	cpu := func() int64 {
		var t unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
			b.Fatal(err)
		}
		return t.Nano()
	}
	send := func(b *testing.B) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		before := cpu()
		for b.Loop() {
			if _, err := from.(*net.UDPConn).WriteToUDPAddrPort([]byte(heartbeat), group); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
	}
	b.Run("nobody", func(b *testing.B) { open(b, false); send(b) })
	b.Run("delivered", func(b *testing.B) { open(b, true); send(b) })
	b.Run("guarded", func(b *testing.B) {
		open(b, true)
		g, err := New(Rules{Groups: []Group{{At: group, Shape: ShapeMember, Source: Rate{PerSecond: 100}}}})
		if err != nil {
			b.Skip(err)
		}
		defer g.Close()
		if _, err := g.Attach(lo.Index, TCX); err != nil {
			b.Fatal(err)
		}
		send(b)
	})
}
