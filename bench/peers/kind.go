package peers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// modules is where Debian keeps httpd's loadable modules.
const modules = "/usr/lib/apache2/modules"

// Kind is one contestant. The variables below are all there are.
type Kind struct {
	Name string
	Wire string // protocol spoken to the members: "ajp" or "http"
	What string // one line on how it is run

	program string            // looked up in PATH; for Catherd the caller says
	source  string            // package that program builds before each start
	needs   []string          // files that must exist besides
	files   map[string]string // file in the private directory: its template
	large   bool              // tuned for large answers
	overlay string            // template that fills in a block of the others
	args    func(program, dir string) []string
	version []string // arguments that make the program print its version
}

var kinds = []Kind{
	{
		Name: "catherd-ajp", Wire: "ajp", What: "catherd run -c, AJP members",
		files: map[string]string{"catherd.yaml": "catherd.yaml"}, args: catherdArgs, version: []string{"version"},
	},
	{
		Name: "catherd-http", Wire: "http", What: "catherd run -c, HTTP members",
		files: map[string]string{"catherd.yaml": "catherd.yaml"}, args: catherdArgs, version: []string{"version"},
	},
	{
		Name: "haproxy", Wire: "http", What: "one process, a thread per core, http-reuse always", program: "haproxy",
		files: map[string]string{"haproxy.cfg": "haproxy.cfg"}, args: haproxyArgs, version: []string{"-v"},
	},
	{
		Name: "haproxy-large", Wire: "http", What: "as haproxy, with buffers of 64 KiB instead of 16", program: "haproxy",
		files: map[string]string{"haproxy.cfg": "haproxy.cfg"}, args: haproxyArgs, large: true,
		version: []string{"-v"},
	},
	{
		Name: "mod_jk", Wire: "ajp", What: "httpd event MPM, 2 x 128 threads, mod_jk lb worker", program: "apache2",
		needs:   []string{modules + "/mod_mpm_event.so", modules + "/mod_jk.so"},
		files:   map[string]string{"httpd.conf": "httpd.conf", "workers.properties": "workers.properties"},
		overlay: "mod_jk.conf", args: httpdArgs, version: []string{"-v"},
	},
	{
		Name: "mod_proxy_ajp", Wire: "ajp", What: "httpd event MPM, 2 x 128 threads, mod_proxy_balancer", program: "apache2",
		needs:   []string{modules + "/mod_mpm_event.so", modules + "/mod_proxy_ajp.so", modules + "/mod_proxy_balancer.so"},
		files:   map[string]string{"httpd.conf": "httpd.conf"},
		overlay: "mod_proxy_ajp.conf", args: httpdArgs, version: []string{"-v"},
	},
	{
		Name: "floor", Wire: "http", What: "a relay of bytes in Go, a thread per core, which knows no HTTP", program: "go",
		source: "github.com/catherd/catherd/bench/floor",
		files:  map[string]string{"floor.args": "floor.args"}, args: floorArgs, version: []string{"version"},
	},
	{
		Name: "nginx", Wire: "http", What: "a worker per core, upstream keepalive 256", program: "nginx",
		files: map[string]string{"nginx.conf": "nginx.conf"},
		args: func(_, dir string) []string {
			return []string{"-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", filepath.Join(dir, "nginx.conf")}
		},
		version: []string{"-v"},
	},
}

func catherdArgs(_, dir string) []string {
	return []string{"run", "-c", filepath.Join(dir, "catherd.yaml")}
}

func haproxyArgs(_, dir string) []string {
	return []string{"-db", "-f", filepath.Join(dir, "haproxy.cfg")}
}

func httpdArgs(_, dir string) []string {
	return []string{"-f", filepath.Join(dir, "httpd.conf"), "-DFOREGROUND"}
}

// floorArgs are the lines of its file; a file that is missing leaves it without any,
// and it says so.
func floorArgs(_, dir string) []string {
	text, _ := os.ReadFile(filepath.Join(dir, "floor.args"))
	return strings.Fields(string(text))
}

// build makes the program of a kind that comes as source.
func (k Kind) build(tool, dir string) (program string, err error) {
	program = filepath.Join(dir, k.Name)
	out, err := exec.Command(tool, "build", "-o", program, k.source).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", k.Name, err, out)
	}
	return program, nil
}

// Names lists all kinds.
func Names() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.Name
	}
	return names
}

// Find returns the kind of that name.
func Find(name string) (Kind, error) {
	for _, k := range kinds {
		if k.Name == name {
			return k, nil
		}
	}
	return Kind{}, fmt.Errorf("find proxy %q: known are %s", name, strings.Join(Names(), ", "))
}

// Program is the executable: catherd is the path given, anything else is found
// in PATH or where Debian puts servers.
func (k Kind) Program(catherd string) (string, error) {
	name := k.program
	if name == "" {
		name = catherd
	}
	path, err := exec.LookPath(name)
	if err != nil && !strings.Contains(name, "/") {
		// An ordinary user's PATH leaves out /usr/sbin.
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		return "", fmt.Errorf("find program of %s: %q is not there", k.Name, name)
	}
	return path, nil
}

// Missing says why the kind cannot be started here, nil if it can.
func (k Kind) Missing(catherd string) error {
	if _, err := k.Program(catherd); err != nil {
		return err
	}
	for _, f := range k.needs {
		if _, err := os.Stat(f); err != nil {
			return fmt.Errorf("find module of %s: %q is not there", k.Name, f)
		}
	}
	return nil
}

var jkVersion = regexp.MustCompile(`mod_jk/[0-9.]+`)

// Version is the product's own word, on one line.
func (k Kind) Version(catherd string) string {
	program, err := k.Program(catherd)
	if err != nil {
		return "not there"
	}
	// nginx prints it on standard error.
	out, err := exec.Command(program, k.version...).CombinedOutput()
	if err != nil && len(out) == 0 {
		return "unknown: " + err.Error()
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if k.Name == "mod_jk" {
		if module, err := os.ReadFile(modules + "/mod_jk.so"); err == nil {
			line += ", " + string(jkVersion.Find(module))
		}
	}
	return line
}
