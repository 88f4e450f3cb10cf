package accesslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/catherd/catherd/dataplane/access"
)

func TestMain(m *testing.M) {
	// combined and mod_jk use the local time, as their models do.
	time.Local = time.UTC
	goleak.VerifyTestMain(m)
}

// sample is a request as the data path leaves it.
func sample(target string) *access.Record {
	r := &access.Record{
		Start: time.Date(2026, 11, 24, 15, 4, 5, 67_000_000, time.UTC).UnixNano(),
		Queue: 1_500_000, Connect: 250_000, First: 3_100_000, Total: 4_321_987,
		In: 12, Out: 3456, Status: 200, Minor: 1, TLS: true, End: access.OK, Attempt: 1, Session: 1,
		Pool: "app", Member: "tomcat1", Route: "t1",
	}
	r.Method.Set([]byte("GET"))
	r.Client.Set([]byte("192.0.2.7"))
	r.Host.Set([]byte("shop.example:8080"))
	r.Target.Set([]byte(target))
	r.Referer.Set([]byte("http://a/"))
	r.UserAgent.Set([]byte(`curl "x" \ 8`))
	return r
}

// shared is a buffer that may be written by the writer's goroutine.
type shared struct {
	mu sync.Mutex // guards the rest
	b  bytes.Buffer
	n  int
	// err is what Write answers.
	err error
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	s.n++
	return s.b.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestFormats(t *testing.T) {
	for format, want := range map[string]string{
		"json": `{"time":"2026-11-24T15:04:05.067Z","client":"192.0.2.7","method":"GET","host":"shop.example:8080",` +
			`"path":"/app/cart","query":"a=1?2","protocol":"HTTP/1.1","tls":true,"status":200,"bytes":3456,"request_bytes":12,` +
			`"pool":"app","member":"tomcat1","route":"t1","session":"stayed","attempt":1,"queue_ms":1.500,"connect_ms":0.250,` +
			`"first_byte_ms":3.100,"total_ms":4.321,"end":"ok","referer":"http://a/","user_agent":"curl \"x\" \\ 8"}` + "\n",
		"combined": `192.0.2.7 - - [24/Nov/2026:15:04:05 +0000] "GET /app/cart?a=1?2 HTTP/1.1" 200 3456 "http://a/" "curl \"x\" \\ 8"` + "\n",
		"mod_jk":   "[Tue Nov 24 15:04:05.067 2026] app shop.example 0.004321 ?a=1?2 /app/cart t1\n",
	} {
		s, err := (&Options{To: None, Format: format}).open()
		if err != nil {
			t.Fatal(err)
		}
		if got := string(s.line(nil, sample("/app/cart?a=1?2"))); got != want {
			t.Errorf("%s:\n got %s\nwant %s", format, got, want)
		}
	}
}

// A request that never reached a pool leaves short lines that still parse.
func TestRefusedRequest(t *testing.T) {
	r := &access.Record{Status: 400, End: access.BadRequest}
	var got map[string]any
	if err := json.Unmarshal(appendJSON(nil, r), &got); err != nil {
		t.Fatal(err)
	}
	if got["end"] != "bad_request" || got["status"] != 400.0 {
		t.Errorf("json: %v", got)
	}
	for _, key := range []string{"pool", "member", "route", "session", "query", "referer", "user_agent"} {
		if _, ok := got[key]; ok {
			t.Errorf("json has an empty %s", key)
		}
	}
	if line := string(appendCombined(nil, r)); !strings.HasSuffix(line, `"  HTTP/1.0" 400 - "-" "-"`+"\n") {
		t.Errorf("combined: %q", line)
	}
	if line := string(appendModJK(nil, r)); !strings.HasSuffix(line, "] - - 0.000000  - -\n") {
		t.Errorf("mod_jk: %q", line)
	}
}

// Whatever bytes a client sends, a line stays one line with its fields.
func FuzzLines(f *testing.F) {
	f.Add([]byte("/a?b=c"), []byte("agent"))
	f.Add([]byte("/\"\\\n\r\t\x00\x7f\x80\xff\xc3\x28"), []byte("\xe2\x80\xa8\"}\n{"))
	f.Add([]byte("/ \xf0\x9f\x98\x80 x"), []byte(`\" - -`))
	f.Fuzz(func(t *testing.T, target, agent []byte) {
		r := sample("")
		r.Target.Set(target)
		r.UserAgent.Set(agent)
		var o struct {
			Path  string `json:"path"`
			Query string `json:"query"`
			Agent string `json:"user_agent"`
		}
		line := appendJSON(nil, r)
		if err := json.Unmarshal(line, &o); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if want := strings.ToValidUTF8(oneByOne(agent), "\ufffd"); o.Agent != want && len(agent) < 256 {
			t.Errorf("agent %q became %q", want, o.Agent)
		}
		for _, line := range [][]byte{line, appendCombined(nil, r), appendModJK(nil, r)} {
			if bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' {
				t.Errorf("not one line: %q", line)
			}
			for _, c := range line[:len(line)-1] {
				if c < ' ' || c == 0x7f {
					t.Errorf("control character in %q", line)
				}
			}
		}
		if n := bytes.Count(appendModJK(nil, r), []byte(" ")); n != 10 {
			t.Errorf("mod_jk line has %d blanks: %q", n, appendModJK(nil, r))
		}
	})
}

// oneByOne replaces each byte that is not UTF-8 by its own U+FFFD;
// strings.ToValidUTF8 would replace a run by one.
func oneByOne(b []byte) string { return string([]rune(string(b))) }

func TestWriterBatchesAndSkips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &shared{}
		w, err := Open(Options{To: Stdout, Format: "mod_jk", Skip: []string{"/healthz"}, Stdout: out})
		if err != nil {
			t.Fatal(err)
		}
		ring := w.Ring()
		for range 100 {
			ring.Put(sample("/a"))
			ring.Put(sample("/healthz?x"))
		}
		ring.Put(sample("/healthz/more"))
		time.Sleep(busy + time.Millisecond)
		if n := strings.Count(out.String(), "\n"); n != 101 || out.n != 1 {
			t.Errorf("%d lines in %d writes, want 101 in one", n, out.n)
		}
		time.Sleep(time.Second) // time.Second by now
		ring.Put(sample("/late"))
		time.Sleep(time.Second + time.Millisecond)
		if !strings.Contains(out.String(), " /late ") {
			t.Error("a line after a pause is missing")
		}
		ring.Put(sample("/last"))
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(out.String(), " /last ") {
			t.Error("the last line is missing")
		}
		if w.Dropped() != 0 {
			t.Errorf("%d dropped", w.Dropped())
		}
	})
}

func TestReopenAndSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "access.log")
		w, err := Open(Options{To: None})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if w.Ring() != nil {
			t.Error("a ring without a log")
		}
		if err := w.Set(Options{To: path, Format: "combined"}); err != nil {
			t.Fatal(err)
		}
		ring := w.Ring()
		put := func(target string) {
			ring.Put(sample(target))
			time.Sleep(2 * time.Second)
		}
		put("/one")
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		put("/two")
		if err := w.Reopen(); err != nil {
			t.Fatal(err)
		}
		put("/three")
		if err := w.Set(Options{To: filepath.Join(dir, "none", "x"), Format: "json"}); err == nil || !strings.Contains(err.Error(), "create it") {
			t.Errorf("a folder that is not there: %v", err)
		}
		if err := w.Set(Options{To: path, Format: "xml"}); err == nil {
			t.Error("an unknown format was accepted")
		}
		put("/four")
		if err := w.Set(Options{To: None, Format: "json"}); err != nil {
			t.Fatal(err)
		}
		if w.Ring() != nil {
			t.Error("a ring after the log was turned off")
		}
		old, _ := os.ReadFile(path + ".1")
		new, _ := os.ReadFile(path)
		f := func(text []byte, want ...string) {
			t.Helper()
			if n := strings.Count(string(text), "\n"); n != len(want) {
				t.Errorf("%d lines, want %v:\n%s", n, want, text)
			}
			for _, word := range want {
				if !strings.Contains(string(text), " "+word+" ") {
					t.Errorf("no %s in\n%s", word, text)
				}
			}
		}
		f(old, "/one", "/two")
		f(new, "/three", "/four")
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o007 != 0 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	})
}

// What cannot be written is counted, and told at most once a minute.
func TestLossIsCountedAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, told := &shared{err: errors.New("disk full")}, &shared{}
		w, err := Open(Options{To: Stdout, Stdout: out, Log: slog.New(slog.NewTextHandler(told, nil))})
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			w.Ring().Put(sample("/"))
			time.Sleep(time.Second)
		}
		if w.Dropped() != 30 {
			t.Errorf("%d dropped, want 30", w.Dropped())
		}
		if n := strings.Count(told.String(), "\n"); n != 1 || !strings.Contains(told.String(), "disk full") {
			t.Errorf("told %d times:\n%s", n, told)
		}
		time.Sleep(complain)
		if n := strings.Count(told.String(), "\n"); n != 2 || !strings.Contains(told.String(), "in_all=30") {
			t.Errorf("told %d times:\n%s", n, told)
		}
		if err := w.Close(); err != nil {
			t.Errorf("close told again: %v", err)
		}
	})
}

// A disk that hangs makes the ring drop and nobody wait.
func TestSlowDisk(t *testing.T) {
	hold, entered := make(chan struct{}), make(chan struct{})
	w, err := Open(Options{To: Stdout, Stdout: writerFunc(func(p []byte) (int, error) {
		select {
		case entered <- struct{}{}:
		default:
		}
		<-hold
		return len(p), nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	ring := w.Ring()
	ring.Put(sample("/"))
	<-entered
	for range slots + 10 {
		ring.Put(sample("/"))
	}
	if got := w.Dropped(); got < 9 {
		t.Errorf("%d dropped, want at least 9", got)
	}
	if err := w.Reopen(); err != nil {
		t.Errorf("reopen while the disk hangs: %v", err)
	}
	close(hold)
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(Options{To: filepath.Join(dir, "no", "access.log")}); err == nil || !strings.Contains(err.Error(), `there is no folder "`+dir) {
		t.Errorf("missing folder: %v", err)
	}
	if _, err := Open(Options{To: dir}); err == nil || !strings.Contains(err.Error(), "open access log") {
		t.Errorf("a folder: %v", err)
	}
}

func BenchmarkJSON(b *testing.B) {
	r, buf := sample("/app/cart?a=1"), []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		buf = appendJSON(buf[:0], r)
	}
}
