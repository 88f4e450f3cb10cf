package catalina

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// debianHome is where the tomcat10 package keeps CATALINA_HOME.
const debianHome = "/usr/share/tomcat10"

// Cache returns the folder of downloads and unpacked releases: $CATHERD_CACHE, or
// .cache/tomcat in the repository that holds the working directory.
func Cache() (string, error) {
	if dir := os.Getenv("CATHERD_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	root, err := RepositoryRoot()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, ".cache", "tomcat"), nil
}

// RepositoryRoot walks up from the working directory to the folder that holds go.mod.
func RepositoryRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find repository root: %v", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find repository root: no go.mod above %q", start)
		}
	}
}

// Fetch returns the CATALINA_HOME of a version, downloading and unpacking it if the
// cache lacks it. Several processes may call it at once. It needs mvn only when
// neither the cache nor the user's own cache (~/.cache/catherd/tomcat) has the archive.
func Fetch(version string) (string, error) {
	if version == Debian {
		if _, err := os.Stat(filepath.Join(debianHome, "bin", "bootstrap.jar")); err != nil {
			return "", fmt.Errorf("find tomcat10: %v (install the package tomcat10)", err)
		}
		return debianHome, nil
	}
	if _, err := generationOf(version); err != nil {
		return "", err
	}
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, "apache-tomcat-"+version)
	if complete(home) {
		return home, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("create cache: %v", err)
	}
	unlock, err := lock(filepath.Join(cache, ".lock-"+version))
	if err != nil {
		return "", err
	}
	defer unlock()
	if complete(home) { // another process was faster
		return home, nil
	}
	archive := filepath.Join(cache, "tomcat-"+version+".tar.gz")
	if _, err := os.Stat(archive); errors.Is(err, os.ErrNotExist) {
		if err := obtain(version, archive); err != nil {
			return "", err
		}
	}
	if err := unpack(archive, cache, home); err != nil {
		return "", fmt.Errorf("unpack %q: %v (delete it to have it fetched again)", archive, err)
	}
	return home, nil
}

// complete tells whether an unpacked release is there; unpack renames it into place as
// a whole, so one file stands for all.
func complete(home string) bool {
	_, err := os.Stat(filepath.Join(home, "bin", "bootstrap.jar"))
	return err == nil
}

// lock takes an advisory lock between processes; the file itself stays.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock cache: %v", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock cache %q: %v", path, err)
	}
	return func() { f.Close() }, nil
}
