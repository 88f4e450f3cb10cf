package catalina

import "github.com/catherd/catherd/bench/freeport"

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
	free, err := freeport.Find("0.0.0.0", 1)
	if err != nil {
		return m, err
	}
	m.Port = free[0]
	return m, nil
}
