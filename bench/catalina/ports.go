package catalina

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Port range for servers: below the range the kernel takes outgoing ports from (32768
// and up by default), so that no client connection sits on a port before Tomcat binds it.
const (
	firstPort = 20000
	lastPort  = 32000
)

// freePorts returns n different TCP ports of 127.0.0.1 that nothing listens on. All are
// held until the last is found, then released together.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for tries := 0; len(ports) < n; tries++ {
		if tries == 1000 {
			return nil, fmt.Errorf("find %d free ports between %d and %d: 1000 tries", n, firstPort, lastPort)
		}
		port := firstPort + rand.IntN(lastPort-firstPort)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		defer l.Close()
		ports = append(ports, port)
	}
	return ports, nil
}

// Multicast says where the members of a cluster hear each other.
type Multicast struct {
	Group string // IPv4 multicast address
	Port  int    // UDP
	Bind  string // address of the interface; 127.0.0.1 keeps heartbeats on this machine
}

// ReferenceGroup is the group of the reference cluster, kept on the loopback interface.
func ReferenceGroup() Multicast {
	return Multicast{Group: "228.0.0.4", Port: 45564, Bind: "127.0.0.1"}
}

// FreeGroup is the reference's group address with a UDP port nobody uses: members
// started with it hear each other and nobody else.
func FreeGroup() (Multicast, error) {
	m := ReferenceGroup()
	for range 1000 {
		m.Port = firstPort + rand.IntN(lastPort-firstPort)
		c, err := net.ListenPacket("udp4", net.JoinHostPort("0.0.0.0", strconv.Itoa(m.Port)))
		if err != nil {
			continue
		}
		c.Close()
		return m, nil
	}
	return Multicast{}, fmt.Errorf("find a free multicast port between %d and %d: 1000 tries", firstPort, lastPort)
}
