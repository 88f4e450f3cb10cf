package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Words that tell a person nothing, and names of Go types.
var goWords = regexp.MustCompile(`(?i)failed to|invalid argument|\berror:|unmarshal|\b(u?int(8|16|32|64)|float64|struct|nil|netip|time\.Duration|map\[|interface ?\{|reflect|(?-i:yaml: )|go-yaml)\b`)

func TestMessagesSpeakToPeople(t *testing.T) {
	for _, name := range append(corpus(t, "invalid", 70), corpus(t, "warned", 20)...) {
		_, ps := loadTestFile(t, name)
		for _, p := range ps {
			if p.What == "" || p.Cure == "" || p.File == "" || p.Line < 1 || p.Col < 1 || p.Len < 1 {
				t.Errorf("%s: incomplete: %+v", name, p)
			}
			if word := goWords.FindString(p.What + " " + p.Cure); word != "" {
				t.Errorf("%s: %q in %q / %q", name, word, p.What, p.Cure)
			}
			if strings.HasSuffix(p.What, ".") || p.What != strings.TrimSpace(p.What) {
				t.Errorf("%s: %q is not a plain phrase", name, p.What)
			}
			for _, secret := range []string{"opensesame", "s3cret", "letmein"} {
				if strings.Contains(fmt.Sprintf("%+v", p), secret) {
					t.Errorf("%s: a secret is shown: %+v", name, p)
				}
			}
			if strings.ContainsAny(p.Source+p.What, "\x1b\x01") {
				t.Errorf("%s: control characters reach the terminal: %q", name, p.Source)
			}
		}
	}
}

// The sample of the documentation, line by line.
func TestFormatIsTheDocumentedOne(t *testing.T) {
	want := `catherd.yaml:9:5: unknown key "stiky" in pools.app
   9 |     stiky:
     |     ^^^^^ did you mean "sticky"?
catherd.yaml:14:14: members.tomcat1.url: port 80090 is out of range
  14 |         url: ajp://192.168.0.201:80090
     |              ^ ports are 1 to 65535; Tomcat's AJP default is 8009
catherd.yaml:22:15: tribes.drop_after: "3" has no unit
  22 |   drop_after: 3
     |               ^ write 3s or 3000ms (Tomcat's dropTime counts milliseconds)
catherd.yaml:25:11: admin.listen is open to the network and has no token
  25 |   listen: 0.0.0.0:8404
     |           ^ add token_file, or listen on 127.0.0.1:8404
4 errors, nothing was changed
`
	data, err := os.ReadFile("testdata/invalid/spec-sample.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, ps := Load("catherd.yaml", data, nil, Options{})
	if got := ps.String(); got != want {
		t.Errorf("got\n%s", got)
	}
	if ps.Err() == nil || ps.Err().Error()+"\n" != want {
		t.Errorf("Err is %v", ps.Err())
	}
	var colored strings.Builder
	if err := ps.Format(&colored, true); err != nil || !strings.Contains(colored.String(), red+"^^^^^"+plain) {
		t.Errorf("no colour in %q, %v", colored.String(), err)
	}
	bare := strings.NewReplacer(bold, "", red, "", plain, "").Replace(colored.String())
	if bare != want {
		t.Errorf("colour changes the text:\n%s", bare)
	}
	var parsed []map[string]any
	if err := json.Unmarshal(ps.JSON(), &parsed); err != nil || len(parsed) != 4 {
		t.Fatalf("%v: %s", err, ps.JSON())
	}
	first := map[string]any{"file": "catherd.yaml", "line": 9.0, "col": 5.0, "len": 5.0, "path": "pools.app.stiky",
		"what": `unknown key "stiky" in pools.app`, "source": "    stiky:", "cure": `did you mean "sticky"?`, "severity": "error"}
	if !reflect.DeepEqual(parsed[0], first) {
		t.Errorf("got %v", parsed[0])
	}
	if got := string(Problems(nil).JSON()); got != "[]\n" {
		t.Errorf("no problems are %q", got)
	}
}

func TestExpandLoadsAgain(t *testing.T) {
	for _, name := range corpus(t, "valid", 15) {
		c, before := loadTestFile(t, name)
		if c == nil {
			continue // TestValidFiles says so
		}
		text := Expand(c)
		if strings.Contains(string(text), "s3cret") || strings.Contains(string(text), "letmein") {
			t.Errorf("%s: a secret is shown", name)
		}
		again, ps := Load(name, []byte(strings.ReplaceAll(string(text), `"(set)"`, "s3cret")), testEnv, testOptions())
		if again == nil {
			t.Errorf("%s: the long form is refused:\n%s%s", name, ps, text)
			continue
		}
		if before.count(Warning) != ps.count(Warning) {
			t.Errorf("%s: the long form has other warnings:\n%s", name, ps)
		}
		if again.Digest() != c.Digest() {
			t.Errorf("%s: digest %s became %s", name, c.Digest(), again.Digest())
		}
		c.marks, again.marks = nil, nil
		if !reflect.DeepEqual(c, again) {
			t.Errorf("%s: the long form is another configuration:\n%+v\n%+v", name, c, again)
		}
	}
}

func mustLoad(t *testing.T, text string, env ...string) *Config {
	t.Helper()
	getenv := func(name string) string {
		for i := 0; i+1 < len(env); i += 2 {
			if env[i] == name {
				return env[i+1]
			}
		}
		return ""
	}
	c, ps := Load("test.yaml", []byte(text), getenv, testOptions())
	if c == nil {
		t.Fatalf("refused:\n%s", ps)
	}
	return c
}

func TestDigest(t *testing.T) {
	base := mustLoad(t, "listen: 80\nbackends: [ajp://127.0.0.1:8009]\n")
	same := func(text string) {
		t.Helper()
		if got := mustLoad(t, text).Digest(); got != base.Digest() {
			t.Errorf("digest %s, want %s", got, base.Digest())
		}
	}
	same("# comment\nbackends:\n  - ajp://127.0.0.1:8009   # another\nlisten: [':80']\n")
	same("listen: {address: 80}\nbackends: ajp://127.0.0.1\nlog: info\nshutdown: 30000ms\n")
	differs := func(text string, env ...string) {
		t.Helper()
		if got := mustLoad(t, text, env...).Digest(); got == base.Digest() {
			t.Error("the digest is the same")
		}
	}
	differs("listen: 81\nbackends: [ajp://127.0.0.1:8009]\n")
	differs("listen: 80\nbackends: [ajp://127.0.0.1:8009]\n", SecretVariable, "one")
	if len(base.Digest()) != 8 {
		t.Errorf("digest %q", base.Digest())
	}
	one := mustLoad(t, "backends: [ajp://127.0.0.1:8009]\n", SecretVariable, "one")
	two := mustLoad(t, "backends: [ajp://127.0.0.1:8009]\n", SecretVariable, "two")
	if one.Digest() == two.Digest() {
		t.Error("a changed secret leaves the digest as it is")
	}
}

func TestSecretSources(t *testing.T) {
	pool := "pools:\n  app:\n    backends: [ajp://127.0.0.1:8009]\n"
	f := func(text, want, from string, env ...string) {
		t.Helper()
		c := mustLoad(t, text, env...)
		if got := c.Pools[0].Secret; got != want {
			t.Errorf("secret %q, want %q", got, want)
		}
		if got := c.Origin("pools." + c.Pools[0].Name + ".secret").String(); got != from {
			t.Errorf("from %q, want %q", got, from)
		}
	}
	f(pool, "", "default")
	f(pool, "env", "environment CATHERD_AJP_SECRET", SecretVariable, "env")
	f("backends: [ajp://127.0.0.1:8009]\n", "env", "environment CATHERD_AJP_SECRET", SecretVariable, "env")
	f(pool+"    secret: inline\n", "inline", "test.yaml:4", SecretVariable, "env")
	f(pool+"    secret: \"\"\n", "", "test.yaml:4", SecretVariable, "env")
	f(pool+"    secret: 0123\n", "0123", "test.yaml:4")
	f(pool+"    secret: ${S}\n", "var", "test.yaml:4, environment S", "S", "var")
	f(pool+"    secret_file: /etc/catherd/ajp.secret\n", "s3cret", "test.yaml:4", SecretVariable, "env")
	f("pools: {app: {backends: \"http://127.0.0.1:8080\"}}\n", "", "default", SecretVariable, "env")
}

func TestOrigins(t *testing.T) {
	c := mustLoad(t, "listen: ${PORT}\npools:\n  app:\n    members:\n      t1:\n        url: ajp://127.0.0.1:8009\n        state: stop\n", "PORT", "81")
	f := func(path, want string) {
		t.Helper()
		if got := c.Origin(path).String(); got != want {
			t.Errorf("%s is from %q, want %q", path, got, want)
		}
	}
	f("listen[0].address", "test.yaml:1, environment PORT")
	f("pools.app.members.t1.state", "test.yaml:7")
	f("pools.app.members.t1.route", "the member's name")
	f("pools.app.balance", "default")
	f("routes[0].pool", "the only pool")
	if c.Pool("app").Member("t1").Route != "t1" || c.Pool("shop") != nil || c.Pool("app").Member("t2") != nil {
		t.Error("lookups by name are wrong")
	}
	found := false
	for _, v := range c.Values() {
		if v.Path == "listen[0].address" {
			found = v.Text == `":81"` && v.From.Env == "PORT"
		}
	}
	if !found {
		t.Error("Values lacks listen[0].address")
	}
}

func TestLoadFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "catherd.yaml")
	if _, ps := LoadFile(name); !ps.HasErrors() || !strings.Contains(ps.String(), "no such file") {
		t.Errorf("got %s", ps)
	}
	if err := os.WriteFile(name, []byte("backends: [ajp://127.0.0.1:8009]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, ps := LoadFile(name)
	if c == nil || c.Listen[0].Address != ":80" || c.Shutdown.Drain != 30*time.Second {
		t.Errorf("got %+v, %s", c, ps)
	}
	if err := os.WriteFile(name, make([]byte, maxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ps := LoadFile(name); !strings.Contains(ps.String(), "more than 1 MiB") {
		t.Errorf("got %s", ps)
	}
}
