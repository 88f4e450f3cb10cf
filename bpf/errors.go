package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// ErrPermission is matched when the process may not load programs: it needs
// CAP_BPF, or root.
var ErrPermission = errors.New("not permitted (needs CAP_BPF)")

// ErrUnsupported is matched when the kernel does not know what is needed.
var ErrUnsupported = errors.New("not offered by this kernel")

// explain names the step and turns the kernel's refusals into the sentinels.
func explain(step string, err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%s: %w", step, ErrPermission)
	case errors.Is(err, ebpf.ErrNotSupported), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.ENOPROTOOPT):
		return fmt.Errorf("%s: %w", step, ErrUnsupported)
	default:
		return fmt.Errorf("%s: %v", step, err)
	}
}
