package overrides

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "overrides.json")
	if list, err := Load(path); err != nil || list != nil {
		t.Fatalf("a file that is not there: %v, %v", list, err)
	}
	want := []Override{wish("a", Drain, time.Minute), heavy("a", 3, time.Hour), wish("b", Stop, 0)}
	want[0].Reason = "deploy \"4.2\""
	for range 2 {
		if err := Save(path, want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(Append(nil, got), Append(nil, want)) {
		t.Errorf("got %v, want %v", got, want)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestSaveWhereNothingCanBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Save(filepath.Join(file, "overrides.json"), nil); err == nil {
		t.Error("saved below a plain file")
	}
	// The place is taken by a folder: the rename is refused and nothing is left.
	dir := t.TempDir()
	path := filepath.Join(dir, "overrides.json")
	if err := os.MkdirAll(filepath.Join(path, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Save(path, nil); err == nil {
		t.Error("saved over a folder")
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 1 {
		t.Errorf("files left behind: %v", left)
	}
}

func TestParseRefuses(t *testing.T) {
	f := func(data, want string) {
		t.Helper()
		list, err := Parse([]byte(data))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v; want %q", data, list, err, want)
		}
	}
	entry := `{"pool":"p","member":"m","state":"stop","owner":"o","since":"2026-03-01T14:02:00Z"}`
	f(``, "parse")
	f(`[]`, "parse")
	f(`{"version":2,"overrides":[]}`, "version 2")
	f(`{"version":1,"overrides":[],"x":1}`, "x")
	f(`{"version":1,"overrides":[]} {}`, "follows")
	f(`{"version":1,"overrides":[{}]}`, "entry 1 lacks")
	f(`{"version":1,"overrides":[`+strings.Replace(entry, "stop", "halt", 1)+`]}`, `"halt"`)
	f(`{"version":1,"overrides":[`+entry+`,`+entry+`]}`, "the state of member")
	weight := strings.Replace(entry, `"state":"stop"`, `"weight":3`, 1)
	f(`{"version":1,"overrides":[`+entry+`,`+weight+`,`+weight+`]}`, "the weight of member")
	f(`{"version":1,"overrides":[`+strings.Replace(weight, "3", "0", 1)+`]}`, "state \"\"")
	f(`{"version":1,"overrides":[`+strings.Replace(weight, "3", "-1", 1)+`]}`, "weight -1")
	f(`{"version":1,"overrides":[`+strings.Replace(weight, "3", "10001", 1)+`]}`, "weight 10001")
	f(`{"version":1,"overrides":[`+strings.Replace(entry, `"owner"`, `"weight":3,"owner"`, 1)+`]}`, "state and weight")
	f(strings.Repeat(" ", maxFile+1), "larger")
}

func TestParseTruncated(t *testing.T) {
	whole := bytes.TrimSpace(Append(nil, []Override{wish("a", Drain, time.Minute), heavy("a", 3, 0), wish("b", Stop, 0)}))
	for n := range whole {
		if list, err := Parse(whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes were accepted: %v", n, len(whole), list)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Append(nil, nil))
	f.Add(Append(nil, []Override{wish("a", Drain, time.Minute), heavy("a", 3, 0), wish("b", Stop, 0)}))
	f.Add([]byte(`{"version":1,"overrides":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := Parse(data)
		if err != nil {
			if list != nil {
				t.Fatal("a result and an error together")
			}
			return
		}
		again, err := Parse(Append(nil, list))
		if err != nil || !bytes.Equal(Append(nil, again), Append(nil, list)) {
			t.Fatalf("not the same after a round: %v, %v", list, err)
		}
	})
}
