package learned

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/dataplane/table"
)

var t0 = time.Date(2026, 3, 1, 14, 2, 0, 123456789, time.UTC)

func two() Routes {
	return Routes{
		"app/b@ajp://127.0.0.1:9009": {Name: "tomcat2", At: t0},
		"app/a@ajp://127.0.0.1:8009": {Name: "tomcat1"},
	}
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "routes.json")
	if r, err := Load(path); err != nil || len(r) != 0 || r == nil {
		t.Fatalf("a file that is not there: %v, %v", r, err)
	}
	if err := two().Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil || !maps.EqualFunc(got, two(), func(a, b Route) bool { return a.Name == b.Name && a.At.Equal(b.At) && a.Hint }) {
		t.Errorf("got %v, %v, want %v", got, err, two())
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := Load(path); r != nil || err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a bad file: %v, %v", r, err)
	}
	if err := two().Save(filepath.Join(path, "x")); err == nil {
		t.Error("saved below a plain file")
	}
}

func TestParseRefuses(t *testing.T) {
	f := func(data, want string) {
		t.Helper()
		r, err := Parse([]byte(data))
		if err == nil || r != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v; want %q", data, r, err, want)
		}
	}
	entry := `{"member":"app/a@ajp://h:1","route":"tomcat1","since":"2026-03-01T14:02:00Z"}`
	f(``, "parse")
	f(`[]`, "parse")
	f(`{"version":2,"routes":[]}`, "version 2")
	f(`{"version":1,"routes":[],"x":1}`, "x")
	f(`{"version":1,"routes":[]} {}`, "follows")
	f(`{"version":1,"routes":[{}]}`, "entry 1: no member")
	f(`{"version":1,"routes":[`+entry+`,`+entry+`]}`, "entry 2: member")
	for _, bad := range []string{"", "a b", "ä", strings.Repeat("r", maxRoute+1)} {
		f(`{"version":1,"routes":[`+strings.Replace(entry, "tomcat1", bad, 1)+`]}`, "no jvmRoute")
	}
	f(`{"version":1,"routes":[`+strings.Replace(entry, "app", strings.Repeat("p", maxID), 1)+`]}`, "entry 1: no member")
	f(`{"version":1,"routes":[`+strings.Repeat(entry+",", maxEntries)+entry+`]}`, "more than")
	f(strings.Repeat(" ", maxFile+1), "larger")
}

func TestParseTruncated(t *testing.T) {
	whole := bytes.TrimSpace(two().Append(nil))
	for n := range whole {
		if r, err := Parse(whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes were accepted: %v", n, len(whole), r)
		}
	}
}

// What could not be read again is not written.
func TestAppendIsReadable(t *testing.T) {
	r := two()
	r["app/c"] = Route{Name: "a b", At: t0}
	r["app/d"] = Route{Name: "tomcat4", At: t0.AddDate(9000, 0, 0)}
	r[""] = Route{Name: "tomcat5", At: t0}
	r[table.ID(strings.Repeat("x", maxID+1))] = Route{Name: "tomcat6", At: t0}
	if got, err := Parse(r.Append(nil)); err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	for i := range maxEntries + 5 {
		r[table.ID(fmt.Sprintf("app/%d%s", i, strings.Repeat("x", maxID-20)))] = Route{Name: strings.Repeat("r", maxRoute), At: t0}
	}
	if got, err := Parse(r.Append(nil)); err != nil || len(got) != maxEntries {
		t.Errorf("%d members, %v", len(got), err)
	}
}

func TestPrune(t *testing.T) {
	r := Routes{"here": {Name: "tomcat1"}}
	for i := range maxGone + 3 {
		r[table.ID(fmt.Sprint(i))] = Route{Name: "x", At: t0.Add(time.Duration(i))}
	}
	r.Prune(func(id table.ID) bool { return id == "here" || id == "1" })
	if len(r) != maxGone+2 {
		t.Errorf("%d left", len(r))
	}
	for id, want := range map[table.ID]bool{"here": true, "0": false, "1": true, "2": false, "3": true} {
		if _, ok := r[id]; ok != want {
			t.Errorf("%s: %v", id, ok)
		}
	}
}

func TestBeside(t *testing.T) {
	for from, want := range map[string]string{
		"/var/lib/catherd/overrides.json":     "/var/lib/catherd/routes.json",
		"/run/x/admin.sock.overrides.json":    "/run/x/admin.sock.routes.json",
		"state":                               "state.routes.json",
		"/tmp/overrides.json.d/my-state.json": "/tmp/overrides.json.d/my-state.json.routes.json",
	} {
		if got := Beside(from); got != want {
			t.Errorf("beside %s: %s, want %s", from, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Routes(nil).Append(nil))
	f.Add(two().Append(nil))
	f.Add([]byte(`{"version":1,"routes":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Parse(data)
		if err != nil {
			if r != nil {
				t.Fatal("a result and an error together")
			}
			return
		}
		again, err := Parse(r.Append(nil))
		if err != nil || !bytes.Equal(again.Append(nil), r.Append(nil)) {
			t.Fatalf("not the same after a round: %v, %v", r, err)
		}
	})
}
