package bpf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/internal/kern"
)

// Clean takes every program of Catherd's off what it is attached to by a link,
// whichever process holds it, and removes the pins under a directory, with the
// directory. It returns the programs that are still there: those of sockets and
// tracepoints stay until the process that holds them ends.
func Clean(pins string) (left []Program, err error) {
	all, err := Inventory()
	if err != nil {
		return nil, err
	}
	ours := map[uint32]bool{}
	for _, p := range all {
		ours[p.ID] = true
	}
	err = errors.Join(detach(ours), Unpin(pins))
	left, ierr := Inventory()
	return left, errors.Join(err, ierr)
}

// detach takes programs off by breaking their links.
func detach(programs map[uint32]bool) error {
	var errs []error
	it := new(link.Iterator)
	defer it.Close()
	for it.Next() {
		info, err := it.Link.Info()
		if err != nil || !programs[uint32(info.Program)] {
			continue
		}
		err = it.Link.Detach()
		if errors.Is(err, link.ErrNotSupported) || errors.Is(err, unix.EOPNOTSUPP) {
			continue // of a tracepoint: ends with its last handle
		}
		if err != nil {
			errs = append(errs, kern.Explain(fmt.Sprintf("take program %d off %s", info.Program, place(info)), err))
		}
	}
	return errors.Join(append(errs, it.Err())...)
}

// Unpin removes the pins under a directory and the directory, and takes off the
// BPF file system when it is mounted there. A directory that is not there, is no
// BPF file system or is not called after Catherd is left as it is.
func Unpin(dir string) error {
	if !strings.HasPrefix(filepath.Base(dir), "catherd") {
		return fmt.Errorf("remove pins: %q is not called after Catherd", dir)
	}
	var at unix.Statfs_t
	if err := unix.Statfs(dir, &at); errors.Is(err, unix.ENOENT) {
		return nil
	} else if err != nil {
		return fmt.Errorf("remove pins: look at %q: %v", dir, err)
	}
	if at.Type != unix.BPF_FS_MAGIC {
		return fmt.Errorf("remove pins: %q is no BPF file system", dir)
	}
	// The deepest first. Two files are the kernel's own, in every such file system
	// (CONFIG_BPF_PRELOAD), and go only with it.
	var files []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if path != dir && e.Name() != "maps.debug" && e.Name() != "progs.debug" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("remove pins: %v", err)
	}
	var errs []error
	for i := len(files) - 1; i >= 0; i-- {
		if err := os.Remove(files[i]); err != nil {
			errs = append(errs, fmt.Errorf("remove pins: %v", err))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	// EINVAL: nothing is mounted here, it is a directory of one that is above.
	if err := unix.Unmount(dir, 0); err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("take the BPF file system off %q: %v", dir, err)
	}
	if err := os.Remove(dir); err != nil {
		return fmt.Errorf("remove pins: %v", err)
	}
	return nil
}
