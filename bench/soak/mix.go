package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/catherd/catherd/bench/tomcat"
)

// sizes are body sizes in bytes with the weight of each, in thousandths: nothing, around
// the limits of an AJP packet (8184 bytes of chunk, 8186 of request body), around buffer
// sizes, and up to 10 MB.
var sizes = []struct{ bytes, weight int }{
	{0, 120}, {1, 100}, {100, 120}, {1000, 200}, {4096, 120}, {8184, 50}, {8186, 50}, {8192, 60},
	{16383, 40}, {20_000, 40}, {65_536, 40}, {300_000, 35}, {1 << 20, 20}, {10_000_000, 5},
}

func anySize(random *rand.Rand) int {
	at := random.IntN(1000)
	for _, s := range sizes {
		if at -= s.weight; at < 0 {
			return s.bytes
		}
	}
	return 0
}

// blob is what uploads are cut from: random, so that two cuts have nothing in common.
var blob = func() []byte {
	b := make([]byte, 10_000_000+1<<16)
	source := rand.NewChaCha8([32]byte{7})
	source.Read(b) // a ChaCha8 does not fail
	return b
}()

// digests are those of what size.jsp sends, by size.
var digests = func() map[int64]string {
	m := make(map[int64]string)
	for _, s := range sizes {
		m[int64(s.bytes)] = tomcat.PatternDigest(int64(s.bytes))
	}
	return m
}()

// body takes the body of an answer as it comes.
type body struct {
	hash hash.Hash
	text strings.Builder // the first bytes
}

const textLimit = 512

func newBody() *body { return &body{hash: sha256.New()} }

// Write implements io.Writer.
func (b *body) Write(p []byte) (int, error) {
	if room := textLimit - b.text.Len(); room > 0 {
		b.text.Write(p[:min(room, len(p))])
	}
	return b.hash.Write(p)
}

func (b *body) digest() string { return hex.EncodeToString(b.hash.Sum(nil)) }

// task is one request and what its answer has to be.
type task struct {
	request
	counter bool // the answer is a visit
	// wrong says what is wrong with an answer of status 200, "" for nothing. A broken or
	// left answer is judged by what came of it, as far as that can be done.
	wrong func(r *result, header http.Header, b *body) string
}

// whole tells whether the answer claims to be complete.
func whole(r *result) bool { return r.err == nil && !r.left }

// draw chooses the next task of a client.
func draw(random *rand.Rand, id, cookie string) task {
	switch at := random.IntN(100); {
	case at < 1:
		t := download(random, id, 10_000_000, 0)
		t.pace = 3 * time.Millisecond // about a second for all of it
		return t
	case at < 40:
		return download(random, id, anySize(random), 0)
	case at < 48:
		return headOnly(random, id)
	case at < 58:
		return counter(id, cookie)
	case at < 96:
		return send(random, id, anySize(random), 0)
	case at < 98:
		size := 1 << 20
		return download(random, id, size, int64(1+random.IntN(size-1)))
	default:
		size := 1 << 20
		return send(random, id, size, int64(1+random.IntN(size-64<<10)))
	}
}

// page is the address of size.jsp. Without digest=0 the application would hash all of it
// before the first byte. The id is in every address, so that the access log shows it.
func page(size int, length bool, id string) string {
	target := fmt.Sprintf("/app/size.jsp?id=%s&n=%d&digest=0", id, size)
	if length {
		target += "&length=1"
	}
	return target
}

func download(random *rand.Rand, id string, size int, leaveAfter int64) task {
	t := task{request: request{method: http.MethodGet, target: page(size, random.IntN(2) == 0, id), id: id, leaveAfter: leaveAfter}}
	t.wrong = func(r *result, _ http.Header, b *body) string {
		if whole(r) && r.size != int64(size) {
			return fmt.Sprintf("%d bytes that look complete, %d expected", r.size, size)
		}
		if r.size > int64(size) {
			return fmt.Sprintf("%d bytes of %d", r.size, size)
		}
		want, known := digests[r.size]
		if !known {
			want = tomcat.PatternDigest(r.size) // the part that came
		}
		if got := b.digest(); got != want {
			return fmt.Sprintf("%d bytes have the digest %s, not %s", r.size, got, want)
		}
		return ""
	}
	return t
}

// headOnly asks for a length that must not be followed by a body: one that comes all the
// same spoils the next answer on the connection or stands behind this one.
func headOnly(random *rand.Rand, id string) task {
	size := []int{0, 1, 1000, 8192, 65_536}[random.IntN(5)]
	t := task{request: request{method: http.MethodHead, target: page(size, true, id), id: id}}
	t.wrong = func(r *result, header http.Header, _ *body) string {
		if got := header.Get("Content-Length"); got != fmt.Sprint(size) {
			return fmt.Sprintf("Content-Length %q, %d expected", got, size)
		}
		return ""
	}
	return t
}

func counter(id, cookie string) task {
	t := task{request: request{method: http.MethodGet, target: "/app/counter.jsp?id=" + id, id: id, cookie: cookie}, counter: true}
	t.wrong = func(r *result, _ http.Header, b *body) string {
		if v, ok := parseVisit(b.text.String()); whole(r) && (!ok || v.route != r.node) {
			return fmt.Sprintf("%q signed by %s", b.text.String(), r.node)
		}
		return ""
	}
	return t
}

// send posts a cut of the blob; the application answers with its length and digest.
func send(random *rand.Rand, id string, size int, leaveAfter int64) task {
	from := random.IntN(1 << 16)
	cut := blob[from : from+size]
	t := task{request: request{method: http.MethodPost, target: "/app/upload.jsp?id=" + id, id: id, body: cut,
		chunked: random.IntN(3) == 0, leaveAfter: leaveAfter}}
	t.expect = size > 0 && random.IntN(10) == 0
	t.wrong = func(r *result, _ http.Header, b *body) string {
		if !whole(r) {
			return ""
		}
		sum := sha256.Sum256(cut)
		want := fmt.Sprintf("length=%d sha256=%s node=%s\n", size, hex.EncodeToString(sum[:]), r.node)
		if got := b.text.String(); got != want {
			return fmt.Sprintf("%q, %q expected", got, want)
		}
		return ""
	}
	return t
}
