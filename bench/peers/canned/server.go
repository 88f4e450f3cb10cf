package canned

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Protocol says what a Server speaks.
type Protocol uint8

// The two protocols a Tomcat connector speaks.
const (
	HTTP Protocol = iota
	AJP
)

// String is the URL scheme of the protocol.
func (p Protocol) String() string {
	if p == AJP {
		return "ajp"
	}
	return "http"
}

// Options describe the one answer.
type Options struct {
	Protocol Protocol
	Size     int // body bytes of every answer
	// PacketSize is the AJP packet limit in bytes, as Tomcat's packetSize:
	// 8192 to 65536, 0 for 8192. HTTP ignores it.
	PacketSize int
}

// Server answers on one loopback port until Close.
type Server struct {
	options Options
	listen  int // listening socket
	epoll   int
	wake    int // eventfd, readable once Close was called
	addr    netip.AddrPort
	answer  []byte
	served  atomic.Int64
	done    chan struct{} // closed when the loop's thread has let go of everything
}

// Start listens on a free port of 127.0.0.1 and answers there.
func Start(o Options) (*Server, error) {
	if o.Size < 0 {
		return nil, fmt.Errorf("start canned %s server: size %d is negative", o.Protocol, o.Size)
	}
	if o.PacketSize == 0 {
		o.PacketSize = 8192
	}
	if o.PacketSize < 8192 || o.PacketSize > 65536 {
		return nil, fmt.Errorf("start canned %s server: packet size %d is not between 8192 and 65536", o.Protocol, o.PacketSize)
	}
	s := &Server{options: o, listen: -1, epoll: -1, wake: -1, done: make(chan struct{})}
	if o.Protocol == AJP {
		s.answer = ajpAnswer(o.Size, o.PacketSize)
	} else {
		s.answer = httpAnswer(o.Size)
	}
	if err := s.open(); err != nil {
		s.release()
		return nil, err
	}
	go s.loop()
	return s, nil
}

// open makes the listening socket by hand: net.Listen would make an MPTCP one,
// which costs extra on every connection.
func (s *Server) open() error {
	var err error
	if s.listen, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return fmt.Errorf("make listening socket: %w", err)
	}
	if err = unix.Bind(s.listen, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return fmt.Errorf("bind to 127.0.0.1: %w", err)
	}
	if err = unix.Listen(s.listen, 4096); err != nil {
		return fmt.Errorf("listen on 127.0.0.1: %w", err)
	}
	name, err := unix.Getsockname(s.listen)
	if err != nil {
		return fmt.Errorf("ask for listening port: %w", err)
	}
	inet, ok := name.(*unix.SockaddrInet4)
	if !ok {
		return fmt.Errorf("ask for listening port: not an IPv4 socket")
	}
	s.addr = netip.AddrPortFrom(netip.AddrFrom4(inet.Addr), uint16(inet.Port))
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("make epoll set: %w", err)
	}
	if s.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("make wake-up descriptor: %w", err)
	}
	for _, fd := range []int{s.listen, s.wake} {
		if err = unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			return fmt.Errorf("watch descriptor %d: %w", fd, err)
		}
	}
	return nil
}

// Addr is where the server listens.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Served counts the answers given so far. Safe from any goroutine.
func (s *Server) Served() int64 { return s.served.Load() }

// Close ends the loop and all connections and waits until it has.
func (s *Server) Close() {
	// The count is all that matters to an eventfd; a full one is awake anyway.
	_, _ = unix.Write(s.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-s.done
}

func (s *Server) release() {
	for _, fd := range []int{s.listen, s.epoll, s.wake} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// loop owns every connection of the server. Close stops it.
func (s *Server) loop() {
	runtime.LockOSThread()
	conns := map[int32]*conn{}
	defer func() {
		for fd := range conns {
			_ = unix.Close(int(fd))
		}
		s.release()
		close(s.done)
	}()
	events := make([]unix.EpollEvent, 256)
	for {
		n, err := unix.EpollWait(s.epoll, events, -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return
		}
		for i := range events[:n] {
			switch fd := events[i].Fd; int(fd) {
			case s.wake:
				return
			case s.listen:
				s.accept(conns)
			default:
				c := conns[fd]
				if c != nil && !c.serve(s, events[i].Events) {
					// Closing takes the descriptor out of the epoll set too.
					_ = unix.Close(int(fd))
					delete(conns, fd)
				}
			}
		}
	}
}

func (s *Server) accept(conns map[int32]*conn) {
	for {
		fd, _, err := unix.Accept4(s.listen, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			// EAGAIN when the queue is empty. Out of descriptors looks the same
			// from here: the client will notice that nobody answers.
			return
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}) != nil {
			_ = unix.Close(fd)
			continue
		}
		conns[int32(fd)] = &conn{fd: fd, in: make([]byte, 0, 16<<10)}
	}
}
