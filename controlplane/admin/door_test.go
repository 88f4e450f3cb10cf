package admin

import (
	"errors"
	"net"
	"testing"
)

// slowDoor takes a connection when it is told to.
type slowDoor struct {
	net.Listener
	came chan net.Conn
}

func (d *slowDoor) Accept() (net.Conn, error) {
	if c := <-d.came; c != nil {
		return c, nil
	}
	return nil, errors.New("nobody")
}

// A connection counts from the moment it is taken, before the server speaks of it.
func TestConnectionsCountOnceTaken(t *testing.T) {
	s := New(Options{})
	d := &door{Listener: &slowDoor{came: make(chan net.Conn)}, s: s}
	s.doors[d] = true
	if s.accepting() || s.busy() != 0 {
		t.Fatal("something is asked of a server that nobody has asked")
	}
	taken := make(chan error)
	accept := func() {
		_, err := d.Accept()
		taken <- err
	}
	one, other := net.Pipe()
	defer one.Close()
	defer other.Close()
	came := d.Listener.(*slowDoor).came
	for _, c := range []net.Conn{one, nil} {
		go accept()
		came <- c // it is being taken from here on at the latest
		if err := <-taken; (err == nil) != (c != nil) {
			t.Fatal(err)
		}
		if s.accepting() || s.busy() != 1 {
			t.Errorf("accepting %t, %d requests", s.accepting(), s.busy())
		}
	}
	d.mu.Lock() // as Accept holds it
	if !s.accepting() {
		t.Error("a connection that is being taken is not seen")
	}
	d.mu.Unlock()
}
