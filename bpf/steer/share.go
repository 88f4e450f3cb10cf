package steer

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/internal/kern"
)

// Handles returns the descriptors that another process needs to take part, in
// the order that Adopt wants them. They belong to the group: send them, do not
// close them.
func (g *Group) Handles() []int {
	return []int{
		g.objs.CatherdSteer.FD(), g.objs.CatherdGens.FD(), g.objs.CatherdLoads.FD(),
		g.objs.CatherdChoice.FD(), g.objs.CatherdSteered.FD(),
	}
}

// Adopt makes a group of the descriptors that came from Handles of another
// process. It owns them from now on, after an error too: they are closed then.
func Adopt(fds []int) (*Group, error) {
	g := &Group{}
	err := g.adopt(fds)
	if err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

func (g *Group) adopt(fds []int) (err error) {
	maps := []**ebpf.Map{&g.objs.CatherdGens, &g.objs.CatherdLoads, &g.objs.CatherdChoice, &g.objs.CatherdSteered}
	if len(fds) != 1+len(maps) {
		for _, fd := range fds {
			unix.Close(fd)
		}
		return fmt.Errorf("adopt the steering: %d handles, want %d", len(fds), 1+len(maps))
	}
	var errs []error
	if g.objs.CatherdSteer, err = ebpf.NewProgramFromFD(fds[0]); err != nil {
		errs = append(errs, kern.Explain("adopt the steering", err))
	}
	for i, m := range maps {
		if *m, err = ebpf.NewMapFromFD(fds[1+i]); err != nil {
			errs = append(errs, kern.Explain(fmt.Sprintf("adopt map %d of the steering", i), err))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	// What came is what we think, from an older Catherd too.
	spec, err := loadObject()
	if err != nil {
		return fmt.Errorf("adopt the steering: read the object: %v", err)
	}
	names := []string{objectMapCatherdGens, objectMapCatherdLoads, objectMapCatherdChoice, objectMapCatherdSteered}
	for i, m := range maps {
		want := spec.Maps[names[i]]
		if (*m).Type() != want.Type || (*m).KeySize() != want.KeySize || (*m).ValueSize() != want.ValueSize ||
			(*m).MaxEntries() != want.MaxEntries {
			return fmt.Errorf("adopt the steering: map %q is of another make", names[i])
		}
	}
	return g.mapLoads()
}
