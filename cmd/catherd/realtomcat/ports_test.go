package realtomcat

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// freePort is a TCP port of 127.0.0.1 that nothing listens on: below the range from
// which the kernel takes the ports of outgoing connections, so that none of those sits
// on it before the server does. A configuration cannot say "any port".
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 12000 + rand.IntN(8000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		_ = l.Close()
		return port
	}
	t.Fatal("no free port between 12000 and 20000 in 1000 tries")
	return 0
}
