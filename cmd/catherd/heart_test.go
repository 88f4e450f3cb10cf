package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bench/freeport"
	"github.com/catherd/catherd/controlplane/tribes"
)

// ownGroup is a multicast group that nobody else of this machine uses.
func ownGroup() (string, error) {
	free, err := freeport.Find("0.0.0.0", 1)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("239.%d.%d.%d:%d", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250), free[0]), nil
}

// receiverOf is the receiver of the Tomcat with this AJP address, as far from
// it as in the examples: 4000 and 8009.
func receiverOf(ajp string) string {
	at := netip.MustParseAddrPort(ajp)
	return netip.AddrPortFrom(at.Addr(), at.Port()-ajpOffset).String()
}

// heart sends the heartbeats of one node over loopback.
type heart struct {
	conn   *net.UDPConn
	member tribes.Member
	quit   chan struct{}
	done   chan struct{}
	once   sync.Once
}

// newHeart begins at once. The caller stops it.
func newHeart(group, receiver string) (*heart, error) {
	at, err := netip.ParseAddrPort(receiver)
	if err != nil {
		return nil, err
	}
	conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(group)))
	if err != nil {
		return nil, err
	}
	raw, err := conn.SyscallConn()
	if err == nil {
		lo := &unix.IPMreqn{Address: [4]byte{127, 0, 0, 1}}
		cerr := raw.Control(func(fd uintptr) { err = unix.SetsockoptIPMreqn(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_IF, lo) })
		if err == nil {
			err = cerr
		}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	h := &heart{conn: conn, quit: make(chan struct{}), done: make(chan struct{})}
	h.member = tribes.Member{Host: at.Addr(), Port: int32(at.Port()), SecurePort: -1, UDPPort: -1}
	binary.BigEndian.PutUint64(h.member.ID[:], rand.Uint64())
	binary.BigEndian.PutUint64(h.member.ID[8:], rand.Uint64())
	go h.beat()
	return h, nil
}

// beat sends until the heart is stopped.
func (h *heart) beat() {
	defer close(h.done)
	const every = 50 * time.Millisecond
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		// Nobody listens yet: the next one is heard.
		_, _ = h.conn.Write(h.member.Append(nil))
		select {
		case <-h.quit:
			return
		case <-ticker.C:
			h.member.Alive += every.Milliseconds()
		}
	}
}

func (h *heart) silence() {
	h.once.Do(func() { close(h.quit) })
	<-h.done
}

// leave says what a Tomcat says that is stopped, and nothing more.
func (h *heart) leave() error {
	h.silence()
	m := h.member
	m.Command = []byte("BABY-ALEX")
	_, err := h.conn.Write(m.Append(nil))
	return err
}

func (h *heart) stop() {
	h.silence()
	h.conn.Close()
}
