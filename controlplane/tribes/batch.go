package tribes

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A batch takes many datagrams with one system call into memory that is used
// again and again.
const (
	batchSlots = 32
	slotSize   = 8 << 10 // a heartbeat is about 100 bytes; what is longer is cut, see batch.datagram
)

type batch struct {
	heads [batchSlots]unix.Mmsghdr
	parts [batchSlots]unix.Iovec
	names [batchSlots]unix.RawSockaddrInet6
	bytes [batchSlots][slotSize]byte
}

func newBatch() *batch {
	b := &batch{}
	for i := range b.heads {
		b.parts[i].Base = &b.bytes[i][0]
		b.parts[i].SetLen(slotSize)
		b.heads[i].Hdr.Iov = &b.parts[i]
		b.heads[i].Hdr.SetIovlen(1)
		b.heads[i].Hdr.Name = (*byte)(unsafe.Pointer(&b.names[i]))
	}
	return b
}

// receive takes what is there, at most limit datagrams, and does not wait.
func (b *batch) receive(fd uintptr, limit int) (int, error) {
	limit = min(limit, batchSlots)
	for i := range b.heads[:limit] {
		b.heads[i].Hdr.Namelen = unix.SizeofSockaddrInet6
		b.heads[i].Hdr.Flags = 0
	}
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.heads[0])), uintptr(limit), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// datagram returns the i-th datagram and its source. One that did not fit is
// cut, and no member package then.
func (b *batch) datagram(i int) (netip.AddrPort, []byte) {
	return source(&b.names[i]), b.bytes[i][:min(int(b.heads[i].Len), slotSize)]
}

// source reads the address the kernel wrote. The port is in network order.
func source(sa *unix.RawSockaddrInet6) netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:])
	if sa.Family == unix.AF_INET {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom4(four.Addr), port)
	}
	addr := netip.AddrFrom16(sa.Addr).Unmap()
	if addr.IsLinkLocalUnicast() && sa.Scope_id != 0 {
		addr = addr.WithZone(strconv.FormatUint(uint64(sa.Scope_id), 10))
	}
	return netip.AddrPortFrom(addr, port)
}

// drops returns how many datagrams the kernel has thrown away for this socket:
// those that did not fit and those that a filter refused. 0 when it does not
// say.
func drops(fd uintptr) uint64 {
	var info [9]uint32 // SK_MEMINFO_* of linux/sock_diag.h; the last one is SK_MEMINFO_DROPS
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || int(size) < int(unsafe.Sizeof(info)) {
		return 0
	}
	return uint64(info[8])
}
