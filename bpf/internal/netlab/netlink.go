package netlab

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// request asks the kernel by rtnetlink and waits for its answer (RFC 3549).
func request(kind uint16, flags uint16, body []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ne := binary.NativeEndian
	msg := ne.AppendUint32(nil, uint32(16+len(body)))
	msg = ne.AppendUint16(msg, kind)
	msg = ne.AppendUint16(msg, unix.NLM_F_REQUEST|unix.NLM_F_ACK|flags)
	msg = ne.AppendUint32(msg, 1)
	msg = ne.AppendUint32(msg, 0)
	if err := unix.Sendto(fd, append(msg, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	size, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return err
	}
	if size < 20 || ne.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return fmt.Errorf("answer of %d bytes is none", size)
	}
	if code := int32(ne.Uint32(answer[16:])); code != 0 {
		return unix.Errno(-code)
	}
	return nil
}

// attr appends an attribute: length, kind, value, padding to four bytes.
func attr(b []byte, kind uint16, value []byte) []byte {
	ne := binary.NativeEndian
	b = ne.AppendUint16(b, uint16(4+len(value)))
	b = ne.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, -len(value)&3)...)
}

func text(s string) []byte { return append([]byte(s), 0) }

func word(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

// linkHeader is struct ifinfomsg.
func linkHeader(index int, flags, change uint32) []byte {
	b := []byte{unix.AF_UNSPEC, 0, 0, 0}
	b = append(b, word(uint32(index))...)
	b = append(b, word(flags)...)
	return append(b, word(change)...)
}
