package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const module = "github.com/catherd/catherd"

// pkg is what go list knows of a package.
type pkg struct {
	ImportPath, Name, Dir              string
	Standard                           bool
	Imports, Deps                      []string
	GoFiles, TestGoFiles, XTestGoFiles []string
}

// ours lists the packages of the module, by import path.
func ours(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Dir,Standard,Imports,Deps,GoFiles,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir = filepath.Join("..", "..")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	all := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
	if len(all) < 15 {
		t.Fatalf("%d packages found", len(all))
	}
	return all
}

// short is the path inside the module, "" for what is not in it.
func short(path string) string {
	s, _ := strings.CutPrefix(path, module+"/")
	if s == path {
		return ""
	}
	return s
}

// standard reports whether the path is one of the standard library: those have
// no dot in their first element.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// The import laws: everything points down, and what is pure stays pure.
func TestImportLaws(t *testing.T) {
	kin := map[string]bool{"ajp": true, "dataplane/table": true, "dataplane/meter": true,
		"dataplane/sticky": true, "dataplane/balance": true, "dataplane/http1": true}
	foreign := regexp.MustCompile(`^(go\.yaml\.in/|github\.com/prometheus/|log$|log/slog$|net/http$)`)
	readers := regexp.MustCompile(`^(controlplane|controlplane/(compile|migrate|admin|config|cluster|discover|source)(/.*)?|cmd/.*)$`)
	law := func(p pkg, dep, why string) { t.Errorf("%s imports %s: %s", short(p.ImportPath), dep, why) }
	for _, p := range ours(t) {
		name := short(p.ImportPath)
		for _, dep := range p.Deps {
			d := short(dep)
			switch {
			case kin[name] && !standard(dep) && !kin[d]:
				law(p, dep, "it may use the standard library and its kin")
			case strings.HasPrefix(name+"/", "dataplane/") && (strings.HasPrefix(d+"/", "controlplane/") || strings.HasPrefix(d+"/", "bpf/")):
				law(p, dep, "the data plane knows nothing above it")
			case strings.HasPrefix(name+"/", "bpf/") && d != "" && !strings.HasPrefix(d+"/", "bpf/"):
				law(p, dep, "bpf imports nothing of ours")
			}
		}
		// The libraries under these may use such packages for themselves.
		for _, dep := range p.Imports {
			if strings.HasPrefix(name+"/", "dataplane/") && foreign.MatchString(dep) {
				law(p, dep, "the data plane neither logs, nor parses files, nor exports metrics")
			}
			if short(dep) == "controlplane/config" && !readers.MatchString(name) {
				law(p, dep, "the file's words stay in the control plane")
			}
		}
	}
}

// Every package says in doc.go what it is for, and has a test.
func TestEveryPackageIsExplainedAndTested(t *testing.T) {
	all := ours(t)
	for _, p := range all {
		explained := p.Name == "main" && len(p.GoFiles) == 1 // a program of one file says it there
		for _, f := range p.GoFiles {
			explained = explained || f == "doc.go"
		}
		if !explained {
			t.Errorf("%s has no doc.go", short(p.ImportPath))
		}
		name := short(p.ImportPath)
		if len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 || untested[name] {
			continue
		}
		by, ok := all[module+"/"+testedBy[name]]
		if !ok || len(by.TestGoFiles)+len(by.XTestGoFiles) == 0 {
			t.Errorf("%s has no test", name)
		}
	}
}

// testedBy names the tests of packages that only work as a part of the whole.
var testedBy = map[string]string{"dataplane/proxy": "dataplane/behaviour", "bpf/internal/kern": "bpf/guard"}

// untested are what tests themselves are made of.
var untested = map[string]bool{"bench/catalina/prepare": true, "dataplane/enginetest": true, "bpf/internal/netlab": true}

// One idea a file: 500 lines are the limit, for tests as well.
func TestFileLength(t *testing.T) {
	generated := regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	n := 0
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != filepath.Join("..", "..") && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		if lines := bytes.Count(text, []byte("\n")); lines > 500 && !generated.Match(text) {
			t.Errorf("%s has %d lines", path, lines)
		}
		return nil
	})
	if err != nil || n < 100 {
		t.Errorf("%d files, %v", n, err)
	}
}

// What an operator reads speaks plainly: no "failed to", no Go type.
func TestMessagesSpeakPlainly(t *testing.T) {
	bad := regexp.MustCompile(`(Errorf|failed|misused|New)\("[^"]*(failed to|invalid argument|%T|%\+v|%#v)`)
	for _, p := range ours(t) {
		if !strings.HasPrefix(short(p.ImportPath), "cmd/") && !strings.HasPrefix(short(p.ImportPath), "controlplane") {
			continue
		}
		for _, f := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range bad.FindAll(text, -1) {
				t.Errorf("%s/%s: %s", short(p.ImportPath), f, m)
			}
		}
	}
}
