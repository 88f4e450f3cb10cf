package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/catherd/catherd/dataplane/access"
)

// The words of Options.To that are no files.
const (
	None   = "none"
	Stdout = "stdout"
)

// Options say where lines go and how they look.
type Options struct {
	To     string    // a file, "stdout" or "none"
	Format string    // "json", "combined" or "mod_jk"
	Skip   []string  // paths, exactly, whose requests are not written
	Stdout io.Writer // what "stdout" is

	Log *slog.Logger // told of losses; nil: nobody is
}

func (o *Options) writes() bool { return o.To != None && o.To != "" }

func (o *Options) same(p Options) bool {
	return o.To == p.To && o.Format == p.Format && slices.Equal(o.Skip, p.Skip)
}

// sink is where lines go at present.
type sink struct {
	w    io.Writer // nil: nowhere
	file *os.File  // to be closed; nil for stdout
	line func(dst []byte, r *access.Record) []byte
	skip [][]byte
}

func (o *Options) open() (*sink, error) {
	s := &sink{}
	switch o.Format {
	case "json", "":
		s.line = appendJSON
	case "combined":
		s.line = appendCombined
	case "mod_jk":
		s.line = appendModJK
	default:
		return nil, fmt.Errorf("open access log: format %q is none of json, combined, mod_jk", o.Format)
	}
	for _, p := range o.Skip {
		s.skip = append(s.skip, []byte(p))
	}
	switch {
	case !o.writes():
		return s, nil
	case o.To == Stdout:
		s.w = o.Stdout
		return s, nil
	}
	// Others may not read it: it has addresses and session ids of path parameters.
	f, err := os.OpenFile(o.To, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("open access log %q: there is no folder %q: create it for the user that runs catherd", o.To, filepath.Dir(o.To))
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("open access log %q: permission denied: let the user that runs catherd write there", o.To)
	case err != nil:
		return nil, fmt.Errorf("open access log %q: %v", o.To, err)
	}
	s.w, s.file = f, f
	return s, nil
}

// skips reports whether the request's path is one of those left out.
func (s *sink) skips(r *access.Record) bool {
	if len(s.skip) == 0 {
		return false
	}
	path, _, _ := bytes.Cut(r.Target.Bytes(), question)
	for _, p := range s.skip {
		if bytes.Equal(p, path) {
			return true
		}
	}
	return false
}

var question = []byte("?")

func (s *sink) close() {
	if s.file != nil {
		// Every line has been handed to the system already.
		_ = s.file.Close()
	}
}
