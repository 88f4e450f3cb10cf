package bpf

import "github.com/catherd/catherd/bpf/internal/kern"

// ErrPermission is matched when the process may not load programs: it needs
// CAP_BPF with CAP_NET_ADMIN (CAP_PERFMON for the events), or root.
var ErrPermission = kern.ErrPermission

// ErrUnsupported is matched when the kernel does not know what is needed.
var ErrUnsupported = kern.ErrUnsupported
