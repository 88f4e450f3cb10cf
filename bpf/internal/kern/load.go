package kern

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
)

// Prefix begins the name of every program of Catherd's, and of its maps but for
// those of global variables, which the loader knows by the names of sections.
const Prefix = "catherd_"

// Size is what Go believes of a map's key and value, in bytes. 0: not shared
// with Go, not compared.
type Size struct{ Key, Value uintptr }

// Options is how an object is brought in.
type Options struct {
	Settings map[string]any             // the program's constants by name
	Sizes    map[string]Size            // of maps by name; every one has to be there
	Entries  map[string]uint32          // room of maps, where it differs from the source
	Keep     map[string]*ebpf.Map       // maps to use instead of new ones
	Tune     func(*ebpf.CollectionSpec) // the last word before loading
}

// Load brings an object into the kernel and fills the tagged fields of to. The
// error names the object by its step and matches ErrPermission or
// ErrUnsupported where that is the reason.
func Load(step string, object func() (*ebpf.CollectionSpec, error), to any, o Options) error {
	spec, err := object()
	if err != nil {
		return fmt.Errorf("%s: read the object: %v", step, err)
	}
	for name, size := range o.Sizes {
		m := spec.Maps[name]
		if m == nil {
			return fmt.Errorf("%s: the object has no map %q", step, name)
		}
		if size.Key != 0 && uintptr(m.KeySize) != size.Key || size.Value != 0 && uintptr(m.ValueSize) != size.Value {
			return fmt.Errorf("%s: map %q has keys of %d and values of %d bytes, Go has %d and %d: generate again",
				step, name, m.KeySize, m.ValueSize, size.Key, size.Value)
		}
	}
	for name, v := range o.Settings {
		s := spec.Variables[name]
		if s == nil || !s.Constant() {
			return fmt.Errorf("%s: the object has no setting %q", step, name)
		}
		if err := s.Set(v); err != nil {
			return fmt.Errorf("%s: setting %q: %v", step, name, err)
		}
	}
	for name, n := range o.Entries {
		spec.Maps[name].MaxEntries = n
	}
	if o.Tune != nil {
		o.Tune(spec)
	}
	// Before 5.11 maps count against RLIMIT_MEMLOCK. Where raising it is not
	// permitted, loading says so itself.
	_ = rlimit.RemoveMemlock()
	if err := spec.LoadAndAssign(to, &ebpf.CollectionOptions{MapReplacements: o.Keep}); err != nil {
		return Explain(step, err)
	}
	return nil
}
