package catalina

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// archive writes a .tar.gz with the given entries.
func archive(t *testing.T, path string, entries map[string]string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	gz := gzip.NewWriter(f)
	tw := tar.NewWriter(gz)
	for name, content := range entries {
		if err := tw.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), gz.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestFetchUnpacksOnce(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("CATHERD_CACHE", cache)
	path := filepath.Join(cache, "tomcat-9.0.1.tar.gz")
	archive(t, path, map[string]string{
		"apache-tomcat-9.0.1/bin/bootstrap.jar":      "jar",
		"apache-tomcat-9.0.1/webapps/docs/index.txt": "left out",
	})
	home, err := Fetch("9.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(home, "bin", "bootstrap.jar")); err != nil || string(got) != "jar" {
		t.Errorf("bootstrap.jar: %q, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(home, "webapps")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("webapps unpacked: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if again, err := Fetch("9.0.1"); err != nil || again != home {
		t.Errorf("second fetch: %q, %v", again, err)
	}
}

func TestFetchRefuses(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("CATHERD_CACHE", cache)
	f := func(version, want string, entries map[string]string) {
		t.Helper()
		if entries != nil {
			archive(t, filepath.Join(cache, "tomcat-"+version+".tar.gz"), entries)
		}
		_, err := Fetch(version)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("version %s: got %v, want %q", version, err, want)
		}
		left, _ := filepath.Glob(filepath.Join(cache, ".unpack-*")) // the pattern is fine
		if len(left) != 0 {
			t.Errorf("version %s: left behind %q", version, left)
		}
	}
	f("6.0.1", "not of the generations", nil)
	f("9.0.2", "no bin/bootstrap.jar", map[string]string{"x/readme": ""})
	f("9.0.3", "leads outside", map[string]string{"x/../../../escape": "", "x/bin/bootstrap.jar": ""})
}

func TestForbidServices(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy-rc.d")
	restore, err := forbidServices(path)
	if err != nil {
		t.Fatal(err)
	}
	if script, err := os.ReadFile(path); err != nil || !strings.Contains(string(script), "exit 101") {
		t.Errorf("policy: %q, %v", script, err)
	}
	second, err := forbidServices(path) // somebody else's now
	if err != nil {
		t.Fatal(err)
	}
	if err := second(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the second took away what it had not placed: %v", err)
	}
	if err := restore(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("policy still there: %v", err)
	}
}
