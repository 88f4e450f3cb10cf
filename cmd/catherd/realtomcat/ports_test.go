package realtomcat

import (
	"testing"

	"github.com/catherd/catherd/bench/freeport"
)

// freePort is a TCP port of 127.0.0.1 that nothing listens on, and that nobody
// else gets meanwhile. A configuration cannot say "any port".
func freePort(t *testing.T) int {
	t.Helper()
	free, err := freeport.Find("127.0.0.1", 1)
	if err != nil {
		t.Fatal(err)
	}
	return free[0]
}
