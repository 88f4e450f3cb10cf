package statefile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Read returns the content of the file at path, at most limit+1 bytes of it, so
// that the caller sees when it is too large. A file that is not there is empty
// and no error.
func Read(path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(limit)+1))
}

// Replace makes data the content of the file at path. It is written aside,
// brought to the disk and renamed, so that a reader and a crash see the old
// content or the new one. The folder is made when it is not there. After an error
// the old file is as it was, and nothing is left behind.
func Replace(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o640)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
