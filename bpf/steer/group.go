package steer

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/internal/kern"
)

// The room of a group, GENERATIONS and LISTENERS of steer.c.
const (
	Generations = 16
	Listeners   = 64 // of one generation
)

// Policy is how a listener of the generation is chosen.
type Policy uint32

// The policies, as steer.c counts them.
const (
	PolicyHash        Policy = iota // by the addresses and ports
	PolicyCPU                       // by the processor that took the packet in
	PolicyLeastLoaded               // the lesser loaded of two that the hash names
)

// String returns the policy's name in the configuration.
func (p Policy) String() string {
	switch p {
	case PolicyHash:
		return "hash"
	case PolicyCPU:
		return "cpu"
	case PolicyLeastLoaded:
		return "least-loaded"
	default:
		return fmt.Sprintf("policy %d", uint32(p))
	}
}

// ErrElsewhere is matched by Add when the listener stands in a generation already, of
// this group or of another one, whose process may have ended a moment ago.
var ErrElsewhere = errors.New("it stands in another generation")

// Group steers the connections of one address. Its methods are for one
// goroutine at a time.
type Group struct {
	objs  objectObjects
	inner [Generations]*ebpf.Map // filled by this process
	loads *[Generations * Listeners]Load
}

// choice is struct choice of steer.c: what new connections do.
type choice struct {
	Generation, Listeners uint16
	Policy                Policy
}

// New loads a program that leaves every choice to the kernel until the first
// Switch. An error matches bpf.ErrPermission or bpf.ErrUnsupported where that
// is the reason.
func New() (*Group, error) {
	g := &Group{}
	o := kern.Options{Sizes: map[string]kern.Size{
		objectMapCatherdLoads:  {Key: 4, Value: unsafe.Sizeof(Load{})},
		objectMapCatherdChoice: {Key: 4, Value: unsafe.Sizeof(choice{})},
		objectMapCatherdGens:   {Key: 4},
	}}
	const step = "load the steering"
	err := kern.Load(step, loadObject, &g.objs, o)
	if err != nil && !errors.Is(err, kern.ErrPermission) {
		// Before 5.14 a program cannot move what waits at a listener that is
		// closed. It can choose all the same.
		o.Tune = func(s *ebpf.CollectionSpec) {
			s.Programs[objectProgCatherdSteer].AttachType = ebpf.AttachSkReuseportSelect
		}
		if kern.Load(step, loadObject, &g.objs, o) == nil {
			err = nil
		}
	}
	if err != nil {
		return nil, err
	}
	if err := g.mapLoads(); err != nil {
		g.objs.Close()
		return nil, err
	}
	return g, nil
}

// Attach puts the program on the group that a listener belongs to, in the place
// of any other.
func (g *Group) Attach(fd int) error {
	err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_EBPF, g.objs.CatherdSteer.FD())
	if err != nil {
		return kern.Explain("attach the steering", err)
	}
	return nil
}

// Detach takes the program off the group of a listener; the kernel chooses again.
func (g *Group) Detach(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_REUSEPORT_BPF, 0); err != nil {
		return kern.Explain("detach the steering", err)
	}
	return nil
}

// Add puts a listener at its place in a generation. The listeners of a
// generation are numbered from 0 without gaps.
func (g *Group) Add(generation, index, fd int) error {
	if err := inRange(generation, index); err != nil {
		return err
	}
	m := g.inner[generation]
	if m == nil {
		var err error
		m, err = ebpf.NewMap(&ebpf.MapSpec{
			Name: kern.Prefix + "socks", Type: ebpf.ReusePortSockArray,
			KeySize: 4, ValueSize: 8, MaxEntries: Listeners,
		})
		if err != nil {
			return kern.Explain("make a generation of listeners", err)
		}
		if err := g.objs.CatherdGens.Put(uint32(generation), m); err != nil {
			m.Close()
			return kern.Explain(fmt.Sprintf("put generation %d in place", generation), err)
		}
		g.inner[generation] = m
	}
	err := m.Put(uint32(index), uint64(fd))
	if errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("add listener %d to generation %d: %w", index, generation, ErrElsewhere)
	}
	if err != nil {
		return kern.Explain(fmt.Sprintf("add listener %d to generation %d", index, generation), err)
	}
	g.Load(generation, index).reset()
	return nil
}

func inRange(generation, index int) error {
	if generation < 0 || generation >= Generations || index < 0 || index >= Listeners {
		return fmt.Errorf("listener %d of generation %d: there are %d of %d", index, generation, Listeners, Generations)
	}
	return nil
}

// Switch sends all new connections to the first so many listeners of a
// generation, by one write. 0 listeners: the kernel chooses.
func (g *Group) Switch(generation, listeners int, policy Policy) error {
	if err := inRange(generation, max(listeners-1, 0)); err != nil {
		return err
	}
	c := choice{uint16(generation), uint16(listeners), policy}
	if err := g.objs.CatherdChoice.Put(uint32(0), c); err != nil {
		return kern.Explain(fmt.Sprintf("switch to generation %d", generation), err)
	}
	return nil
}

// Choice returns what the last Switch of any process said.
func (g *Group) Choice() (generation, listeners int, policy Policy, err error) {
	var c choice
	if err := g.objs.CatherdChoice.Lookup(uint32(0), &c); err != nil {
		return 0, 0, 0, kern.Explain("read which generation serves", err)
	}
	return int(c.Generation), int(c.Listeners), c.Policy, nil
}

// Forget empties a generation. Its listeners stay open and in the group.
func (g *Group) Forget(generation int) error {
	if err := inRange(generation, 0); err != nil {
		return err
	}
	if m := g.inner[generation]; m != nil {
		m.Close()
		g.inner[generation] = nil
	}
	err := g.objs.CatherdGens.Delete(uint32(generation))
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return kern.Explain(fmt.Sprintf("forget generation %d", generation), err)
	}
	return nil
}

// Close gives the handles back. The program stays with its sockets and goes
// with the last of them; Detach takes it off before.
func (g *Group) Close() error {
	var errs []error
	for i, m := range g.inner {
		if m != nil {
			errs = append(errs, m.Close())
			g.inner[i] = nil
		}
	}
	return errors.Join(append(errs, g.objs.Close())...)
}

// Probe says whether connections can be steered here, by loading the program.
func Probe() kern.Feature {
	var objs objectObjects
	err := kern.Load("load the steering", loadObject, &objs, kern.Options{})
	if err == nil {
		objs.Close()
	}
	return kern.FeatureOf("steering", "sends new connections to the acceptor that is free, and to a new process at once",
		"CAP_BPF and CAP_NET_ADMIN", "5.14", err)
}
