package realtomcat

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/controlplane/compile"
)

const (
	rightSecret = "the right one"
	wrongSecret = "some other one"
	largePacket = 65536 // ajp13.md 1.3: the largest packetSize
)

// connectors are the AJP connectors of a farm besides the plain one, which has no secret
// and Tomcat's packet size: each differs from it in what is named here.
var connectors = map[string]string{
	"secret":    `secretRequired="true" secret="` + rightSecret + `"`,
	"large":     `secretRequired="false" packetSize="65536"`,
	"believing": `secretRequired="false" tomcatAuthentication="false"`,
	"slashes":   `secretRequired="false" encodedSolidusHandling="passthrough"`,
	"dead":      `secretRequired="true"`, // does not start, its port stays bound
}

// question is a pool of one member; its name with ".test" is the host that leads to it.
type question struct{ name, member, extra string }

// questions ask each connector what matters about it. questionnaire puts addresses in
// the place of the words in capitals.
var questions = []question{
	{"plain", "ajp://PLAIN", ""},
	{"secret-right", "ajp://SECRET", "secret: " + rightSecret},
	{"secret-wrong", "ajp://SECRET", "secret: " + wrongSecret},
	{"secret-missing", "ajp://SECRET", ""},
	{"secret-ours", "ajp://PLAIN", "secret: " + rightSecret},
	{"probe-wrong", "ajp://SECRET", "secret: " + wrongSecret + "\n    health: {every: 2s, cping: 2s, request: /app/status}"},
	{"packet-ours", "ajp://PLAIN", "max_packet_size: 65536"},
	{"packet-theirs", "ajp://LARGE", ""},
	{"packet-both", "ajp://LARGE", "max_packet_size: 65536"},
	{"believing", "ajp://BELIEVING", ""},
	{"slashes", "ajp://SLASHES", ""},
	{"dead", "ajp://DEAD", "health: {every: 1s, cping: 1s}"},
	{"http", "http://HTTP", ""},
	{"both", "ajp://PLAIN\n        http: http://HTTP", ""},
}

// farm is one Tomcat with all connectors and one catherd with all pools.
type farm struct {
	version string
	tomcat  *catalina.Tomcat
	*balancer
}

// newFarm starts both; they end with the test.
func newFarm(t *testing.T, version string) *farm {
	t.Helper()
	tomcat, err := catalina.New(catalina.Options{Version: version, HTTPAttributes: map[string]string{"encodedSolidusHandling": "passthrough"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tomcat.Close)
	ports := map[string]string{"PLAIN": tomcat.AJPAddr(), "HTTP": tomcat.HTTPAddr()}
	addConnectors(t, tomcat, ports)
	addWebSocket(t, tomcat)
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	if err := tomcat.Start(ctx); err != nil {
		t.Fatal(err)
	}
	f := &farm{version, tomcat, balance(t, questionnaire(tomcat.Name, ports))}
	for _, q := range questions {
		if q.name != "dead" && q.name != "probe-wrong" {
			f.inState(q.name, tomcat.Name, compile.Ready)
		}
	}
	return f
}

// addConnectors writes the further connectors into server.xml and their addresses into
// ports.
func addConnectors(t *testing.T, tomcat *catalina.Tomcat, ports map[string]string) {
	t.Helper()
	file := filepath.Join(tomcat.Dir, "conf", "server.xml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(text), "<Engine")
	if !found {
		t.Fatalf("no Engine in %s", text)
	}
	for _, name := range slices.Sorted(maps.Keys(connectors)) {
		port := freePort(t)
		ports[strings.ToUpper(name)] = fmt.Sprintf("127.0.0.1:%d", port)
		before += fmt.Sprintf("<Connector protocol=\"AJP/1.3\" address=\"127.0.0.1\" port=\"%d\" %s/>\n    ", port, connectors[name])
	}
	if err := os.WriteFile(file, []byte(before+"<Engine"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// unhurried are times that a machine with too much to do keeps to as well: a member that
// answers late is not what these tests are about.
const unhurried = "    health: {every: 15s, cping: 15s}\n    ping: {timeout: 15s}\n    timeouts: {connect: 15s}\n"

// questionnaire is the configuration with all pools. A pool has one member, so every
// answer is that member's.
func questionnaire(member string, ports map[string]string) string {
	var b strings.Builder
	b.WriteString("listen: 127.0.0.1:LISTEN\nlimits: {header_size: 256KiB}\nroutes:\n")
	for _, q := range questions {
		fmt.Fprintf(&b, "  - {host: %s.test, pool: %s}\n", q.name, q.name)
	}
	b.WriteString("pools:\n")
	for _, q := range questions {
		address := q.member
		for word, port := range ports {
			address = strings.ReplaceAll(address, "://"+word, "://"+port)
		}
		fmt.Fprintf(&b, "  %s:\n", q.name)
		if q.extra != "" {
			fmt.Fprintf(&b, "    %s\n", q.extra)
		}
		if !strings.Contains(q.extra, "health:") {
			b.WriteString(unhurried)
		}
		fmt.Fprintf(&b, "    members:\n      %s:\n        url: %s\n", member, address)
	}
	return b.String()
}

// addWebSocket deploys the echo endpoints of the release's own examples as /ws, without
// the rest of the examples.
func addWebSocket(t *testing.T, tomcat *catalina.Tomcat) {
	t.Helper()
	cache, err := catalina.Cache()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(cache, "tomcat-"+tomcat.Version+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	classes, app := 0, filepath.Join(tomcat.Dir, "webapps", "ws", "WEB-INF")
	for tr := tar.NewReader(gz); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		_, inside, found := strings.Cut(filepath.ToSlash(filepath.Clean(h.Name)), "/webapps/examples/WEB-INF/")
		if !found || h.Typeflag != tar.TypeReg || !filepath.IsLocal(inside) || !strings.HasSuffix(inside, ".class") ||
			!strings.HasPrefix(inside, "classes/websocket/") && !strings.HasPrefix(inside, "classes/util/") {
			continue
		}
		var class bytes.Buffer
		if _, err := io.Copy(&class, tr); err != nil {
			t.Fatal(err)
		}
		create(t, filepath.Join(app, inside), class.Bytes())
		classes++
	}
	if classes == 0 {
		t.Fatalf("no WebSocket examples in the release %s", tomcat.Version)
	}
	create(t, filepath.Join(app, "web.xml"), []byte(`<web-app version="3.0"/>`))
}

func create(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestConnectors puts the same questions to every generation.
func TestConnectors(t *testing.T) {
	for _, version := range catalina.Versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			f := newFarm(t, version)
			for _, part := range []struct {
				name string
				ask  func(*testing.T, *farm)
			}{
				{"secret", secrets}, {"dead connector", deadConnector}, {"authentication", authentication},
				{"packet sizes", packetSizes}, {"injected attributes", injected}, {"paths", paths},
				{"bodies", bodies}, {"HEAD", headRequests}, {"expect", expectContinue},
				{"session in the path", pathSession}, {"websocket", webSocket},
			} {
				t.Run(part.name, func(t *testing.T) {
					f.t = t // the parts run one after the other
					part.ask(t, f)
				})
			}
			f.t = t
			f.stop()
		})
	}
}
