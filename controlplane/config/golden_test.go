package config

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// rewrite writes what the program says into the expected files. Commit only
// what you have read.
var rewrite = flag.Bool("rewrite", false, "rewrite the expected files in testdata")

// testEnv is the environment of every file in testdata.
func testEnv(name string) string {
	return map[string]string{
		"PORT": "8080", "HOST": "10.0.0.1", "WEIGHT": "3", "WORD": "heavy", "AJP_SECRET": "s3cret",
	}[name]
}

// testOptions are the files that exist for the files in testdata.
func testOptions() Options {
	private := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o640} }
	public := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	cert, key := pair()
	files := fstest.MapFS{
		"etc/catherd/ajp.secret":    private("s3cret\n"),
		"etc/catherd/open.secret":   public("s3cret\n"),
		"etc/catherd/empty.secret":  private("\n"),
		"etc/catherd/lines.secret":  private("one\ntwo\n"),
		"etc/catherd/admin.token":   private("letmein"),
		"etc/catherd/tls/site.pem":  public(cert),
		"etc/catherd/tls/site.key":  private(key),
		"etc/catherd/tls/open.key":  public(key),
		"secret-inline-open.yaml":   public(""),
		"etc/catherd/tls/other.key": private(otherKey()),
	}
	clean := func(name string) string { return strings.TrimPrefix(name, "/") }
	return Options{
		ReadFile: func(name string) ([]byte, error) { return fs.ReadFile(files, clean(name)) },
		Stat:     func(name string) (fs.FileInfo, error) { return fs.Stat(files, clean(name)) },
	}
}

// corpus lists the YAML files of a folder of testdata.
func corpus(t testing.TB, folder string, least int) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < least {
		t.Fatalf("testdata/%s has %d files, at least %d are wanted", folder, len(names), least)
	}
	return names
}

// golden compares with an expected file, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s is missing; run the test with -rewrite and read what it wrote", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s\n--- got\n%s--- want\n%s", name, got, want)
	}
}

// loadTestFile loads a file of testdata as it would be named on the command line.
func loadTestFile(t testing.TB, name string) (*Config, Problems) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return Load(filepath.Base(name), data, testEnv, testOptions())
}

func TestValidFiles(t *testing.T) {
	for _, name := range corpus(t, "valid", 15) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			c, ps := loadTestFile(t, name)
			if c == nil {
				t.Fatalf("refused:\n%s", ps)
			}
			golden(t, strings.TrimSuffix(name, ".yaml")+".expanded",
				"# digest "+c.Digest()+"\n"+string(Expand(c))+comment(ps.String()))
		})
	}
}

// comment puts remarks into a file that is otherwise YAML.
func comment(text string) string {
	if text == "" {
		return ""
	}
	return "# " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n# ") + "\n"
}

func TestInvalidFiles(t *testing.T) {
	for _, name := range corpus(t, "invalid", 70) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			c, ps := loadTestFile(t, name)
			if c != nil || !ps.HasErrors() {
				t.Fatalf("accepted:\n%s", ps)
			}
			golden(t, strings.TrimSuffix(name, ".yaml")+".txt", ps.String())
		})
	}
}

func TestWarnedFiles(t *testing.T) {
	for _, name := range corpus(t, "warned", 20) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			c, ps := loadTestFile(t, name)
			if c == nil || len(ps) == 0 {
				t.Fatalf("refused or nothing said:\n%s", ps)
			}
			golden(t, strings.TrimSuffix(name, ".yaml")+".txt", ps.String())
		})
	}
}
