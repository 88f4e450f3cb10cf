package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"syscall"
)

// The access log grows by hundreds of megabytes in ten minutes. What was rotated away is
// sifted a round later, when nobody writes to it any longer: lines of requests that did
// not end well are kept, because they are evidence.
const (
	accessLog     = "access.log"
	accessRotated = "access.log.1"
	accessOdd     = "access.odd"
)

var endedWell = []byte(`"end":"ok"`)

// rotate moves the access log aside, as logrotate does.
func (f *front) rotate() error {
	odd, err := f.lines(accessRotated, func(line []byte) bool { return !bytes.Contains(line, endedWell) })
	if err != nil {
		return err
	}
	if err := appendTo(f.file(accessOdd), odd); err != nil {
		return err
	}
	if err := os.Rename(f.file(accessLog), f.file(accessRotated)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return f.run.Signal(syscall.SIGUSR1)
}

// logged finds what Catherd has logged of requests, by their ids.
func (f *front) logged(ids []string) ([]byte, error) {
	var found []byte
	for _, name := range []string{accessOdd, accessRotated, accessLog} {
		lines, err := f.lines(name, func(line []byte) bool {
			for _, id := range ids {
				if bytes.Contains(line, []byte(id)) {
					return true
				}
			}
			return false
		})
		if err != nil {
			return found, err
		}
		found = append(found, lines...)
	}
	return found, nil
}

// lines returns the lines of a file that are wanted; none of a file that is not there.
func (f *front) lines(name string, want func([]byte) bool) (found []byte, err error) {
	file, err := os.Open(f.file(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if want(lines.Bytes()) {
			found = append(append(found, lines.Bytes()...), '\n')
		}
	}
	return found, lines.Err()
}

func appendTo(name string, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	return errors.Join(err, file.Close())
}
