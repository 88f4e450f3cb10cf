package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// The range, its end excluded: above the well-known ports of servers, below 32768, where
// the kernel's range of outgoing ports begins (ip(7), ip_local_port_range).
const (
	first = 12000
	last  = 32000
)

// tries bounds the search for one. The range has room for twenty times as many.
const tries = 1000

// claims is the lock file and what this process has of it.
type claims struct {
	mu   sync.Mutex // guards the rest
	file *os.File
	held map[int]bool
}

var own claims

// Find returns n different ports of a host, an IP address, on which nothing listens,
// neither by TCP nor by UDP. They are this process's until it ends.
func Find(host string, n int) ([]int, error) { return own.find(host, n) }

// Addresses is Find with the ports as addresses, "127.0.0.1:12345".
func Addresses(host string, n int) ([]string, error) {
	list, err := Find(host, n)
	if err != nil {
		return nil, err
	}
	out := make([]string, n)
	for i, port := range list {
		out[i] = address(host, port)
	}
	return out, nil
}

// Pattern is Find for ports that lie in certain distances from a first one, which it
// returns: base plus each of the offsets, which are none below zero.
func Pattern(host string, offsets []int) (base int, err error) { return own.pattern(host, offsets) }

func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

func (c *claims) find(host string, n int) (out []int, err error) {
	for range n {
		port, err := c.pattern(host, []int{0})
		if err != nil {
			return nil, err
		}
		out = append(out, port)
	}
	return out, nil
}

// pattern finds a port of which all that lie so much higher are free too.
func (c *claims) pattern(host string, offsets []int) (base int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.open(); err != nil {
		return 0, err
	}
	for range tries {
		base := first + rand.IntN(last-first-slices.Max(offsets))
		if ok, err := c.all(host, base, offsets); ok || err != nil {
			return base, err
		}
	}
	return 0, fmt.Errorf("find a free port of %s between %d and %d: %d tries", host, first, last, tries)
}

func (c *claims) all(host string, base int, offsets []int) (bool, error) {
	for _, offset := range offsets {
		if ok, err := c.claim(base + offset); !ok || err != nil || !idle(host, base+offset) {
			return false, err
		}
	}
	return true, nil
}

// open makes the file that this user's processes share.
func (c *claims) open() (err error) {
	if c.file != nil {
		return nil
	}
	path := filepath.Join(os.TempDir(), "catherd-ports-"+strconv.Itoa(os.Getuid()))
	if c.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return fmt.Errorf("open the lock of ports: %v", err)
	}
	c.held = map[int]bool{}
	return nil
}

// claim takes the byte of a port, unless somebody has it. A port that turns out to be
// taken stays claimed: the next one who asks is spared the same.
func (c *claims) claim(port int) (bool, error) {
	if c.held[port] {
		return false, nil
	}
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: 0, Start: int64(port), Len: 1}
	switch err := unix.FcntlFlock(c.file.Fd(), unix.F_OFD_SETLK, &lock); {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("lock port %d in %s: %v", port, c.file.Name(), err)
	}
	c.held[port] = true
	return true, nil
}

// idle reports whether the port can be listened on.
func idle(host string, port int) bool {
	l, err := net.Listen("tcp", address(host, port))
	if err != nil {
		return false
	}
	_ = l.Close()
	p, err := net.ListenPacket("udp", address(host, port))
	if err != nil {
		return false
	}
	_ = p.Close()
	return true
}
