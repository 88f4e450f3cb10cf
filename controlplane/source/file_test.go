package source

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/config"
)

// watched runs a File; the news channel gets one message for each notify.
func watched(t *testing.T, name string) (*File, chan struct{}) {
	t.Helper()
	f := NewFile("app", name, func(v string) string { return map[string]string{"HOST": "10.0.0.1"}[v] })
	f.after = func(d time.Duration) <-chan time.Time {
		if d == settle {
			return time.After(time.Millisecond) // a short while is enough here
		}
		return nil // the kernel tells of changes
	}
	news := make(chan struct{}, 16)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.Run(ctx, func() { news <- struct{}{} })
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return f, news
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func names(members []config.Member) string {
	var list []string
	for _, m := range members {
		list = append(list, m.Name+"="+m.URL.String())
	}
	return strings.Join(list, " ")
}

// until waits for news until the file says what is wanted: a write may be seen
// in pieces.
func until(t *testing.T, f *File, news chan struct{}, members, problem string) {
	t.Helper()
	for {
		<-news
		got, status := f.Get()
		if names(got) == members && (problem == "") == (status.Problem == "") && strings.Contains(status.Problem, problem) {
			if status.Name != f.name || status.Pool != "app" {
				t.Errorf("status %+v", status)
			}
			return
		}
	}
}

func TestFileIsWatched(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "members.yaml")
	put(t, name, "members:\n  tomcat1: ajp://${HOST}:8009\n")
	f, news := watched(t, name)
	until(t, f, news, "tomcat1=ajp://10.0.0.1:8009", "")

	put(t, name, "backends: [ajp://10.0.0.2:8009, http://10.0.0.3:8080]\n")
	until(t, f, news, "10.0.0.2-8009=ajp://10.0.0.2:8009 10.0.0.3-8080=http://10.0.0.3:8080", "")

	// A mistake changes nothing and is told with its line.
	put(t, name, "members:\n  tomcat1: ajp://10.0.0.1:80090\n")
	until(t, f, news, "10.0.0.2-8009=ajp://10.0.0.2:8009 10.0.0.3-8080=http://10.0.0.3:8080", "members.yaml:2:12: members.tomcat1.url: port 80090")

	// JSON, moved over the old file as editors do.
	put(t, filepath.Join(dir, "new"), `{"members": {"t": {"url": "ajp://10.0.0.4:8009", "route": "x"}}}`)
	if err := os.Rename(filepath.Join(dir, "new"), name); err != nil {
		t.Fatal(err)
	}
	until(t, f, news, "t=ajp://10.0.0.4:8009", "")
	if members, status := f.Get(); members[0].Route != "x" || status.Good.IsZero() {
		t.Errorf("%+v, %+v", members, status)
	}

	// It vanishes: what it said last holds.
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	until(t, f, news, "t=ajp://10.0.0.4:8009", "no such file")

	// It comes back as it was: all is well again.
	put(t, name, "[ajp://10.0.0.4:8009]")
	until(t, f, news, "10.0.0.4-8009=ajp://10.0.0.4:8009", "")

	// An empty pool is a wish as well.
	put(t, name, "backends: []")
	until(t, f, news, "", "")
}

// A directory behind a link that is replaced, as Kubernetes mounts it.
func TestFileBehindALink(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"one", "two"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, d, "members.yaml"), "members: {"+d+": ajp://10.0.0.1:8009}")
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("one", "..data")
	link("..data/members.yaml", "members.yaml")
	f, news := watched(t, filepath.Join(dir, "members.yaml"))
	until(t, f, news, "one=ajp://10.0.0.1:8009", "")
	link("two", "..next")
	if err := os.Rename(filepath.Join(dir, "..next"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	until(t, f, news, "two=ajp://10.0.0.1:8009", "")
}

func TestFileThatIsMissingAtFirst(t *testing.T) {
	f, news := watched(t, filepath.Join(t.TempDir(), "members.yaml"))
	until(t, f, news, "", "no such file")
	put(t, f.name, "members: {a: ajp://10.0.0.1:8009}")
	until(t, f, news, "a=ajp://10.0.0.1:8009", "")
}

// Where the directory itself is missing, the poll finds it.
func TestFileIsPolled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	f := NewFile("app", filepath.Join(dir, "members.yaml"), nil)
	tick := make(chan time.Time)
	f.after = func(time.Duration) <-chan time.Time { return tick }
	news := make(chan struct{}, 16)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.Run(ctx, func() { news <- struct{}{} })
	}()
	until(t, f, news, "", "no such file")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, f.name, "members: {a: ajp://10.0.0.1:8009}")
	tick <- time.Time{}
	until(t, f, news, "a=ajp://10.0.0.1:8009", "")
	if f.look() {
		t.Error("the same content is news")
	}
	cancel()
	<-ended
}
