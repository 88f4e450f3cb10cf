package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/catherd/catherd/controlplane/config"
)

const (
	settle  = 100 * time.Millisecond // after a change: editors write in pieces
	poll    = 10 * time.Second       // where changes are not announced, as on NFS
	maxFile = 1<<20 + 1              // one byte more than config accepts
)

// File watches a file of members.
type File struct {
	name   string
	getenv func(string) string
	after  after
	now    func() time.Time

	mu      sync.Mutex // guards the rest
	data    []byte     // as read last, good or not
	read    bool
	members []config.Member
	status  Status
}

// NewFile prepares to watch a file for a pool; getenv is what ${NAME} in it
// stands for. Nothing is read before Run.
func NewFile(pool, name string, getenv func(string) string) *File {
	return &File{name: name, getenv: getenv, after: time.After, now: time.Now, status: Status{Name: name, Pool: pool}}
}

// Get returns the members of the last good content, and how the file is doing.
func (f *File) Get() ([]config.Member, Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.members), f.status
}

// Run reads the file, and again whenever something in its directory changes,
// until the context ends.
func (f *File) Run(ctx context.Context, notify func()) {
	w, err := fsnotify.NewWatcher()
	var events chan fsnotify.Event
	var faults chan error
	if err == nil {
		defer w.Close()
		events, faults = w.Events, w.Errors
	}
	watched := false
	var quiet <-chan time.Time
	for {
		if w != nil && !watched {
			watched = w.Add(filepath.Dir(f.name)) == nil // when not, the poll looks again
		}
		if f.look() {
			notify()
		}
		for again := false; !again; {
			select {
			case <-ctx.Done():
				return
			case e := <-events:
				if quiet == nil {
					quiet = f.after(settle)
				}
				// A directory that goes takes its watch along.
				watched = watched && !(e.Name == filepath.Dir(f.name) && e.Op.Has(fsnotify.Remove|fsnotify.Rename))
			case <-faults:
				again = true // events were lost: look
			case <-quiet:
				quiet, again = nil, true
			case <-f.after(poll):
				again = true
			}
		}
	}
}

// look reads the file and reports whether Get says something new now.
func (f *File) look() bool {
	data, err := read(f.name)
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	f.status.Next = now.Add(poll)
	if err != nil {
		f.read = false
		return f.say("the file cannot be read: " + cause(err))
	}
	if f.read && bytes.Equal(data, f.data) {
		if f.status.Problem == "" {
			f.status.Good = now
		}
		return false
	}
	f.data, f.read = data, true
	members, problems := config.LoadMembers(f.name, data, f.getenv)
	if problems.HasErrors() {
		return f.say(problems.Err().Error())
	}
	news := f.status.Good.IsZero() || f.status.Problem != "" || !slices.Equal(members, f.members)
	f.members = members
	f.status.Good, f.status.Problem = now, ""
	return news
}

// say notes a problem and reports whether it is another one than before.
func (f *File) say(problem string) bool {
	news := f.status.Problem != problem
	f.status.Problem = problem
	return news
}

// read reads a file up to one byte more than it may have.
func read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// cause shortens an error of the file system: the name is known.
func cause(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
