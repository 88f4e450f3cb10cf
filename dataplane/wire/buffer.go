package wire

import "sync"

// Sizes of the two kinds of buffer: small ones hold heads and small bodies,
// large ones carry bodies that turn out to be long.
const (
	Small = 16 << 10
	Large = 64<<10 + 64 // one AJP packet of the largest size fits, with its header
)

// Buffer is a block of bytes with a window of unread ones, B[R:W].
type Buffer struct {
	B    []byte
	R, W int
}

// Bytes is the unread window.
func (b *Buffer) Bytes() []byte { return b.B[b.R:b.W] }

// Len is the size of the window.
func (b *Buffer) Len() int { return b.W - b.R }

// Space is where the next read goes. Empty when the buffer is full to its end.
func (b *Buffer) Space() []byte { return b.B[b.W:] }

// Reset empties the window.
func (b *Buffer) Reset() { b.R, b.W = 0, 0 }

// Compact moves the window to the front, so that Space grows.
func (b *Buffer) Compact() {
	if b.R == 0 {
		return
	}
	b.W = copy(b.B, b.B[b.R:b.W])
	b.R = 0
}

var (
	smallPool = sync.Pool{New: func() any { return &Buffer{B: make([]byte, Small)} }}
	largePool = sync.Pool{New: func() any { return &Buffer{B: make([]byte, Large)} }}
)

// Get borrows an empty buffer of at least size bytes. The two usual sizes come
// from a pool, others are made.
func Get(size int) *Buffer {
	switch {
	case size <= Small:
		return smallPool.Get().(*Buffer)
	case size <= Large:
		return largePool.Get().(*Buffer)
	}
	return &Buffer{B: make([]byte, size)}
}

// Put gives a buffer back. Nobody may hold a view of it any longer.
func Put(b *Buffer) {
	if b == nil {
		return
	}
	b.Reset()
	switch len(b.B) {
	case Small:
		smallPool.Put(b)
	case Large:
		largePool.Put(b)
	}
}

// Grow replaces b by a larger buffer of at least size bytes that holds the
// same window, and gives b back.
func Grow(b *Buffer, size int) *Buffer {
	n := Get(size)
	n.W = copy(n.B, b.Bytes())
	Put(b)
	return n
}
