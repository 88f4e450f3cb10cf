package guard

import (
	"errors"
	"fmt"
	"net"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/catherd/catherd/bpf/internal/kern"
)

// Mode is where a program meets the packets of an interface.
type Mode int

// The modes, the cheapest first. Auto takes the first that the interface has.
const (
	Auto    Mode = iota
	Native       // XDP in the driver
	TCX          // after the kernel made its own record of the packet; Linux 6.6
	Generic      // XDP emulated; copies packets
)

// String returns the mode's name.
func (m Mode) String() string {
	return [...]string{"auto", "xdp", "tcx", "xdp-generic"}[m]
}

func (m Mode) program(o *objectObjects) *ebpf.Program {
	if m == TCX {
		return o.CatherdTcx
	}
	return o.CatherdXdp
}

// Attach puts the guard on an interface and returns the mode that it has there.
// The rules apply to what the interface receives. One without Ethernet (a
// tunnel) is refused with bpf.ErrUnsupported. index is one of the network
// namespace of the calling thread.
func (g *Guard) Attach(index int, mode Mode) (Mode, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.objs == nil {
		return mode, errClosed
	}
	if a := g.at[index]; a != nil {
		return a.mode, nil
	}
	if err := checkEthernet(index); err != nil {
		return mode, err
	}
	try := []Mode{mode}
	if mode == Auto {
		try = []Mode{Native, TCX, Generic}
	}
	var errs []error
	for _, m := range try {
		l, err := attach(g.objs, index, m)
		if err == nil {
			g.at[index] = &attachment{mode: m, link: l}
			return m, nil
		}
		errs = append(errs, err)
	}
	return mode, errors.Join(errs...)
}

func attach(o *objectObjects, index int, m Mode) (l link.Link, err error) {
	switch m {
	case TCX:
		// In front of others, who would otherwise do their work in vain.
		l, err = link.AttachTCX(link.TCXOptions{Interface: index, Program: o.CatherdTcx, Attach: ebpf.AttachTCXIngress, Anchor: link.Head()})
	case Native:
		l, err = link.AttachXDP(link.XDPOptions{Interface: index, Program: o.CatherdXdp, Flags: link.XDPDriverMode})
	default:
		l, err = link.AttachXDP(link.XDPOptions{Interface: index, Program: o.CatherdXdp, Flags: link.XDPGenericMode})
	}
	if err != nil {
		return nil, kern.Explain(fmt.Sprintf("attach the guard to interface %s by %s", name(index), m), err)
	}
	return l, nil
}

// checkEthernet refuses interfaces whose packets do not begin with a header of
// Ethernet, as those of tunnels: the program would read something else there.
func checkEthernet(index int) error {
	i, err := net.InterfaceByIndex(index)
	if err != nil {
		return fmt.Errorf("attach the guard to interface %d: %v", index, err)
	}
	if len(i.HardwareAddr) != 6 && i.Flags&net.FlagLoopback == 0 {
		return fmt.Errorf("attach the guard to interface %q: %w (no Ethernet)", i.Name, kern.ErrUnsupported)
	}
	return nil
}

// name returns what to call an interface in a message.
func name(index int) string {
	if i, err := net.InterfaceByIndex(index); err == nil {
		return fmt.Sprintf("%q", i.Name)
	}
	return fmt.Sprint(index)
}

// Detach takes the guard off an interface. Where it is not, nothing happens.
func (g *Guard) Detach(index int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.at[index]
	if a == nil {
		return nil
	}
	delete(g.at, index)
	return a.link.Close()
}

// Attached returns the interfaces that are guarded, by index, and how.
func (g *Guard) Attached() map[int]Mode {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := make(map[int]Mode, len(g.at))
	for index, a := range g.at {
		at[index] = a.mode
	}
	return at
}
