package statefile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReplaceAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "x.json")
	if b, err := Read(path, 10); err != nil || b != nil {
		t.Fatalf("a file that is not there: %q, %v", b, err)
	}
	for _, text := range []string{"first", "second one"} {
		if err := Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := Read(path, 10); err != nil || string(b) != "second one" {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := Read(path, 5); err != nil || string(b) != "second" {
		t.Errorf("a bound of five bytes: %q, %v; want one byte more", b, err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestReplaceRefused(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Replace(filepath.Join(plain, "x"), nil); err == nil {
		t.Error("written below a plain file")
	}
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(taken, nil); err == nil {
		t.Error("written over a folder")
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("files left behind: %v", left)
	}
	if _, err := Read(taken, 10); err == nil {
		t.Error("a folder was read")
	}
}
