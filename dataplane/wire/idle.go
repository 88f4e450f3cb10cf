package wire

import (
	"io"
	"sync/atomic"
)

// errEOF is what a read of zero bytes means.
var errEOF = io.EOF

// idleFlag tells other goroutines that a connection waits for a request.
type idleFlag struct{ v atomic.Bool }

func (f *idleFlag) set(on bool) { f.v.Store(on) }
func (f *idleFlag) get() bool   { return f.v.Load() }
