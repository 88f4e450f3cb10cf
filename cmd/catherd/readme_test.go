package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/metrics"
)

// block is a fenced block of a Markdown file.
type block struct {
	file string
	lang string
	text string
}

var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// documents are the README and all topics.
func documents(t *testing.T) []block {
	t.Helper()
	names, err := filepath.Glob("docs/*.md")
	if err != nil || len(names) != len(topics)-1 { // config is made from the declaration
		t.Fatalf("%d documents for %d topics, %v", len(names), len(topics), err)
	}
	var out []block
	for _, name := range append(names, "../../README.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
			out = append(out, block{name, m[1], m[2]})
		}
	}
	return out
}

// Every configuration that is shown passes the check without a warning.
func TestDocumentedConfigurations(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ajp.secret"), []byte("s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, b := range documents(t) {
		if b.lang != "yaml" {
			continue
		}
		n++
		text := strings.ReplaceAll(b.text, "/etc/catherd", dir)
		if c, problems := config.Load(b.file, []byte(text), nil, config.SystemFiles()); c == nil || problems.HasWarnings() {
			t.Errorf("%s:\n%s\n%s", b.file, b.text, problems)
		}
	}
	if n < 5 {
		t.Errorf("%d configurations found", n)
	}
}

// words are command lines that are no Catherd's. Each is tested where it says.
var words = map[string]string{
	"make demo": "the Makefile, by bench/demo",
}

// Every command that is shown works, against a process with the configuration
// that the README shows.
func TestDocumentedCommands(t *testing.T) {
	p := start(t, "")
	var lines []string
	for _, b := range documents(t) {
		if b.lang != "" {
			continue
		}
		for line := range strings.Lines(b.text) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "  #")
			line = strings.TrimSpace(line)
			switch _, known := words[line]; {
			case known:
			case strings.HasPrefix(line, "catherd "):
				lines = append(lines, line)
			case strings.HasPrefix(line, "make "), strings.HasPrefix(line, "curl "):
				t.Errorf("%s: nothing tests %q", b.file, line)
			}
		}
	}
	if len(lines) < 10 {
		t.Fatalf("%d commands found", len(lines))
	}
	for _, line := range lines {
		t.Run(line, func(t *testing.T) { tryCommand(t, p, split(line)[1:]) })
	}
}

func tryCommand(t *testing.T, p *running, args []string) {
	if args[0] == "run" {
		// The process that is there was started like this; a second one would
		// take the reader's ports.
		tryRun(t, args)
		return
	}
	if args[0] == "upgrade" {
		tryUpgrade(t, args)
		return
	}
	if args[0] == "discover" {
		args = tryDiscover(t, p, args)
	}
	for i, a := range args {
		if a == "--wait" && args[0] == "drain" {
			args = append(args, "--quiet-for", "0s")
		}
		if a == "catherd.yaml" {
			args[i] = p.file
		}
	}
	var out, err bytes.Buffer
	e := p.env(&out, &err)
	if code := execute(t.Context(), e, args); code != exitFine {
		t.Errorf("exit code %d: %s%s", code, out.String(), err.String())
	}
	if out.Len() == 0 {
		t.Error("nothing was printed")
	}
}

// tryDiscover lets discover hear the members of the running process, and
// nobody else of this machine.
func tryDiscover(t *testing.T, p *running, args []string) []string {
	group, err := ownGroup()
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := statusAt(p.socket)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range s.Pools[0].Members {
		h, err := newHeart(group, receiverOf(strings.TrimPrefix(m.URL, "ajp://")))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(h.stop)
	}
	for i, a := range args {
		if a == "catherd.yaml" {
			args[i] = filepath.Join(t.TempDir(), "found.yaml")
		}
	}
	return append(args, "--for", "500ms", "--group", group, "--interface", "lo", "--only-heard")
}

// tryRun parses a run command and loads what it names.
func tryRun(t *testing.T, args []string) {
	e := &env{stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}
	root := commands(e)
	cmd, rest, err := root.Find(args)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Fatal(err)
	}
	if e.config != "" {
		return // the file is one of TestDocumentedConfigurations
	}
	listen, err := cmd.Flags().GetString("listen")
	if err != nil {
		t.Fatal(err)
	}
	o, err := choose(e, runFlags{listen: listen}, cmd.Flags().Args())
	if err != nil {
		t.Fatal(err)
	}
	if c, problems := o.load(); c == nil || problems.HasWarnings() {
		t.Error(problems)
	}
}

// split splits a command line as a shell would, as far as the documents need.
func split(line string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`"([^"]*)"|'([^']*)'|(\S+)`).FindAllStringSubmatch(line, -1) {
		out = append(out, m[1]+m[2]+m[3])
	}
	return out
}

// The topic has every metric, and no other.
func TestMetricsTopic(t *testing.T) {
	p := start(t, "")
	text, _ := topicText("metrics")
	told := map[string]bool{}
	for _, name := range regexp.MustCompile("`(catherd_[a-z_]+)").FindAllSubmatch(text, -1) {
		told[string(name[1])] = true
	}
	resp, err := http.Get(p.adminURL(t) + "metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	known := metrics.Names()
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (catherd_\w+)`).FindAllSubmatch(page, -1) {
		if !told[string(m[1])] {
			t.Errorf("the topic lacks %s", m[1])
		}
	}
	for name := range told {
		if !slices.Contains(known, name) {
			t.Errorf("the topic names %s, which is not exported", name)
		}
	}
	for _, name := range known { // some need a group to be exported
		if !told[name] {
			t.Errorf("the topic lacks %s", name)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// Help fits a screen and ends with an example.
func TestHelpFits(t *testing.T) {
	var out bytes.Buffer
	e := &env{stdout: &out, stderr: &out, getenv: os.Getenv}
	names := []string{""}
	for _, c := range commands(e).Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	for _, name := range names {
		out.Reset()
		args := []string{"--help"}
		if name != "" {
			args = []string{name, "--help"}
		}
		if code := execute(context.Background(), e, args); code != exitFine {
			t.Errorf("%s: exit code %d", name, code)
		}
		lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
		if len(lines) > 24 {
			t.Errorf("%s: %d lines", name, len(lines))
		}
		if last := lines[len(lines)-1]; !strings.HasPrefix(last, "  ") || !strings.Contains(last, "catherd "+strings.TrimSpace(name)) {
			t.Errorf("%s ends with %q", name, last)
		}
		for _, l := range lines {
			if len(l) > 100 {
				t.Errorf("%s: a line of %d: %s", name, len(l), l)
			}
		}
	}
}

// The README's map names the folders that exist, and no other.
func TestReadmeMap(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(text), "## Where things live")
	m := fence.FindStringSubmatch(part)
	if m == nil {
		t.Fatal("no map")
	}
	for line := range strings.Lines(m[2]) {
		dir := strings.Fields(line)[0]
		if info, err := os.Stat(filepath.Join("..", "..", dir)); err != nil || !info.IsDir() {
			t.Errorf("%s: %v", dir, err)
		}
	}
	for _, link := range regexp.MustCompile(`\]\(([^):]+)\)`).FindAllSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join("..", "..", string(link[1]))); errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
	if n := bytes.Count(text, []byte("\n")); n > 130 {
		t.Error(fmt.Sprintf("the first page has %d lines", n))
	}
}
