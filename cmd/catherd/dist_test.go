package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/catherd/catherd/controlplane/config"
)

// unit reads the keys of a unit file; several values of a key are kept in order.
func unit(t *testing.T, name string) map[string][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	keys, section := map[string][]string{}, ""
	for s := bufio.NewScanner(f); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section = strings.Trim(line, "[]")
		default:
			k, v, ok := strings.Cut(line, "=")
			if !ok {
				t.Fatalf("%s: %q has no value", name, line)
			}
			keys[section+"."+k] = append(keys[section+"."+k], v)
		}
	}
	return keys
}

func TestUnit(t *testing.T) {
	keys := unit(t, "dist/catherd.service")
	f := func(key string, want ...string) {
		t.Helper()
		if got := keys["Service."+key]; strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	f("Type", "notify")
	f("NotifyAccess", "all")
	f("ExecStartPre", "/usr/bin/catherd check /etc/catherd/catherd.yaml")
	f("ExecStart", "/usr/bin/catherd run -c /etc/catherd/catherd.yaml")
	f("ExecReload", "/usr/bin/catherd check /etc/catherd/catherd.yaml", "/bin/kill -HUP $MAINPID")
	f("User", "catherd")
	f("CapabilityBoundingSet", "CAP_NET_BIND_SERVICE")
	f("NoNewPrivileges", "yes")
	f("ProtectSystem", "strict")
	f("MemoryDenyWriteExecute", "yes")
	f("SystemCallFilter", "@system-service")
	f("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX")
	// The default socket and the default file of overrides are in these.
	f("RuntimeDirectory", filepath.Base(filepath.Dir(defaultSocket)))
	f("StateDirectory", "catherd")
	if _, ok := keys["Service.PrivateUsers"]; ok {
		t.Error("PrivateUsers would take the right to bind low ports away")
	}
}

// What systemd says to the unit where it is installed; the program it names
// is replaced by this one.
func TestUnitVerifies(t *testing.T) {
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not installed; the keys are checked by TestUnit")
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("dist/catherd.service")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "catherd.service")
	text = []byte(strings.NewReplacer("/usr/bin/catherd", self, "User=catherd", "User=root", "Group=catherd", "Group=root").Replace(string(text)))
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(verify, "verify", "--man=no", "--recursive-errors=no", name).CombinedOutput()
	if err != nil || strings.Contains(string(out), "catherd.service") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func TestExampleConfiguration(t *testing.T) {
	if c, problems := config.LoadFile("dist/catherd.yaml"); c == nil || len(problems) > 0 {
		t.Errorf("the example: %s", problems)
	}
	// What is commented out is right as well.
	text, err := os.ReadFile("dist/catherd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "ajp.secret")
	if err := os.WriteFile(secret, []byte("s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := strings.NewReplacer("# secret_file", "secret_file", "# health", "health", "#   request", "  request",
		"# access_log", "access_log", "/etc/catherd/ajp.secret", secret).Replace(string(text))
	if c, problems := config.Load("full.yaml", []byte(full), nil, config.SystemFiles()); c == nil || len(problems) > 0 {
		t.Errorf("the example with everything:\n%s\n%s", full, problems)
	} else if c.Pools[0].Secret != "s" || c.Pools[0].Health.Request.Path != "/" || c.AccessLog.To == none {
		t.Error("the example with everything lacks something")
	}
}

// Every file that a package takes is there, and the unit's paths are those the
// package installs.
func TestPackage(t *testing.T) {
	text, err := os.ReadFile("dist/nfpm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Contents []struct{ Src, Dst, Type string }
		Scripts  map[string]string
	}
	if err := yaml.Load(text, &p); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join("..", "..")
	dst := map[string]bool{}
	for _, c := range p.Contents {
		dst[c.Dst] = true
		if _, err := os.Stat(filepath.Join(root, c.Src)); err != nil && c.Src != "bin/catherd" {
			t.Error(err)
		}
		if strings.HasPrefix(c.Dst, "/etc/") && c.Type != "config|noreplace" {
			t.Errorf("%s would be overwritten by an upgrade", c.Dst)
		}
	}
	for _, path := range []string{"/usr/bin/catherd", "/etc/catherd/catherd.yaml", "/usr/lib/systemd/system/catherd.service"} {
		if !dst[path] {
			t.Errorf("the package has no %s", path)
		}
	}
	for _, script := range p.Scripts {
		if out, err := exec.Command("sh", "-n", filepath.Join(root, script)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
	}
}
