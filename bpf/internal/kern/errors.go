package kern

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// ErrPermission is matched when the process may not load or attach programs.
var ErrPermission = errors.New("not permitted (needs CAP_BPF)")

// ErrUnsupported is matched when the kernel does not know what is needed.
var ErrUnsupported = errors.New("not offered by this kernel")

// Explain names the step and turns the kernel's refusals into the sentinels. A
// verifier that refuses a program answers EACCES too; that is a fault of the
// program or of the kernel, not of the permissions, and is passed on as it is.
func Explain(step string, err error) error {
	var verifier *ebpf.VerifierError
	switch {
	case errors.As(err, &verifier) && len(verifier.Log) > 0:
		return fmt.Errorf("%s: refused by the verifier: %v", step, err)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%s: %w", step, ErrPermission)
	case errors.Is(err, ebpf.ErrNotSupported), errors.Is(err, unix.ENOSYS),
		errors.Is(err, unix.ENOPROTOOPT), errors.Is(err, unix.EOPNOTSUPP):
		return fmt.Errorf("%s: %w (%v)", step, ErrUnsupported, err)
	default:
		return fmt.Errorf("%s: %v", step, err)
	}
}
