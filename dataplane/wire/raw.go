package wire

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below skip the scheduler's bookkeeping around system calls: the
// sockets are non-blocking, so they return at once, and there are four of them
// in every request.

// rawRead reads into b, which is not empty. recvfrom spares what read does for
// files: the lock of the position, the checks of ranges, the notifications.
func rawRead(fd uintptr, b []byte) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
			unix.MSG_DONTWAIT, 0, 0)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// rawWrite writes as much of b as the socket takes.
func rawWrite(fd uintptr, b []byte) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
			unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// maxIov is how many blocks one raw vector holds; longer ones go the usual way.
const maxIov = 8

// rawWritev writes as much of the blocks as the socket takes.
func rawWritev(fd uintptr, iov *[maxIov]unix.Iovec, blocks [][]byte) (int, unix.Errno) {
	n := 0
	for _, b := range blocks {
		if len(b) > 0 {
			iov[n].Base = &b[0]
			iov[n].SetLen(len(b))
			n++
		}
	}
	for {
		k, _, errno := unix.RawSyscall(unix.SYS_WRITEV, fd, uintptr(unsafe.Pointer(iov)), uintptr(n))
		if errno != unix.EINTR {
			clear(iov[:n])
			return int(k), errno
		}
	}
}

// rawQuiet reports whether there is nothing to read, and no end of the stream.
// One byte is asked for without being taken; the raw call is used because
// unix.Recvfrom allocates room for a sender's address.
func rawQuiet(fd uintptr, scratch *byte) bool {
	for {
		_, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(scratch)), 1,
			unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
		if errno != unix.EINTR {
			return errno == unix.EAGAIN
		}
	}
}

// size is the number of bytes in blocks.
func size(blocks [][]byte) (n int) {
	for _, b := range blocks {
		n += len(b)
	}
	return n
}
