package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long a file must be left alone before it is read: editors
// write in several steps.
const settle = 100 * time.Millisecond

// watch sees changes of one file. It watches the directory, because editors
// and package managers replace files instead of writing into them, and because
// a file that is mounted into a container is a link that changes.
type watch struct {
	dir, name string
	w         *fsnotify.Watcher
	log       *slog.Logger
}

func newWatch(path string, log *slog.Logger) (*watch, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("watch %q: %v", path, err)
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch %q: %v: raise fs.inotify.max_user_instances, or run without --watch", path, err)
	}
	if err := w.Add(filepath.Dir(abs)); err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("watch %q: %v", path, err)
	}
	return &watch{filepath.Dir(abs), filepath.Base(abs), w, log}, nil
}

// run calls changed after each change until ctx ends.
func (w *watch) run(ctx context.Context, changed func()) {
	defer w.w.Close()
	var quiet <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case ev := <-w.w.Events:
			name := filepath.Base(ev.Name)
			// "..data" is the link that Kubernetes swaps.
			if (name == w.name || name == "..data") && !ev.Has(fsnotify.Chmod) {
				quiet = time.After(settle)
			}
		case err := <-w.w.Errors:
			w.log.Warn("watch", "reason", err.Error())
		case <-quiet:
			quiet = nil
			changed()
		}
	}
}
