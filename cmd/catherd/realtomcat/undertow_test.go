package realtomcat

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/controlplane/compile"
)

// undertowVersion is named in testdata/undertow.xml as well.
const undertowVersion = "2.3.18.Final"

// undertowJars returns the folder with Undertow and what it needs, from the cache of the
// Tomcats or from the Maven registry.
func undertowJars(t *testing.T) string {
	t.Helper()
	cache, err := catalina.Cache()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "undertow-"+undertowVersion)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	tmp, err := os.MkdirTemp(cache, ".undertow-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	jars := filepath.Join(tmp, "lib")
	cmd := exec.Command("mvn", "-q", "-B", "-f", filepath.Join("testdata", "undertow.xml"),
		"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+jars)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("fetch undertow %s with mvn: %v\n%s", undertowVersion, err, out)
	}
	// Another process may have been faster; what it has brought is the same.
	if err := os.Rename(jars, dir); err != nil {
		if _, there := os.Stat(dir); there != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// undertow compiles the pages and runs them, until the test ends. The compiler is the
// one that Tomcat brings for its pages, so a runtime environment is enough.
func undertow(t *testing.T) (ajp, web string) {
	t.Helper()
	jars := filepath.Join(undertowJars(t), "*")
	home, err := catalina.Fetch("10.1.34")
	if err != nil {
		t.Fatal(err)
	}
	compilers, err := filepath.Glob(filepath.Join(home, "lib", "ecj-*.jar"))
	if err != nil || len(compilers) != 1 {
		t.Fatalf("the compiler in %s: %v, %v", home, compilers, err)
	}
	list, err := filepath.Glob(jars + ".jar")
	if err != nil || len(list) == 0 {
		t.Fatalf("no jars in %s: %v", jars, err)
	}
	classes := t.TempDir()
	out, err := exec.Command("java", "-cp", compilers[0], "org.eclipse.jdt.internal.compiler.batch.Main", "-17", "-proc:none",
		"-cp", strings.Join(list, ":"), "-d", classes, filepath.Join("testdata", "Answers.java")).CombinedOutput()
	if err != nil {
		t.Fatalf("compile the pages: %v\n%s", err, out)
	}
	ajp = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	web = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	var log bytes.Buffer
	cmd := exec.Command("java", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true",
		"-cp", classes+":"+jars, "Answers", port(ajp), port(web))
	cmd.Stdout, cmd.Stderr = &log, &log
	process, err := catalina.Launch(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Signal(syscall.SIGKILL)
		<-process.Done()
	})
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for err = catalina.Ping(ctx, ajp); err != nil; err = catalina.Ping(ctx, ajp) {
		select {
		case <-process.Done():
			t.Fatalf("undertow ended: %v\n%s", process.Err(), log.String())
		case <-ctx.Done():
			t.Fatalf("undertow: %v; last answer: %v", ctx.Err(), err)
		case <-again.C:
		}
	}
	return ajp, web
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// TestUndertow asks the questions that apply to a connector without a secret, without
// attributes of Tomcat and with packets of any size.
func TestUndertow(t *testing.T) {
	t.Parallel()
	ajp, web := undertow(t)
	var text strings.Builder
	text.WriteString("listen: 127.0.0.1:LISTEN\nlimits: {header_size: 256KiB}\nroutes:\n")
	pools := []string{"plain", "secret-ours", "packet-both", "http"}
	for _, pool := range pools {
		fmt.Fprintf(&text, "  - {host: %s.test, pool: %s}\n", pool, pool)
	}
	fmt.Fprintf(&text, "pools:\n  plain: {backends: [ajp://%s]}\n  secret-ours: {secret: %s, backends: [ajp://%s]}\n"+
		"  packet-both: {max_packet_size: 65536, backends: [ajp://%s]}\n  http: {backends: [http://%s]}\n", ajp, rightSecret, ajp, ajp, web)
	b := balance(t, text.String())
	for _, pool := range b.status().Pools {
		b.inState(pool.Name, pool.Members[0].Name, compile.Ready)
	}
	client := newVisitor(t, b)
	for _, pool := range pools {
		undertowEcho(t, client, pool)
		undertowBodies(t, client, pool)
		// Undertow's session ids have no route: a member alone keeps its sessions anyway.
		first := client.good(pool+".test", "/app/counter").visit(t)
		if second := client.good(pool+".test", "/app/counter").visit(t); second != (visit{first.session, first.node, 2}) {
			t.Errorf("%s: second visit %+v after %+v", pool, second, first)
		}
	}
	undertowHeads(t, b, client)
	for _, pool := range pools {
		client.good(pool+".test", "/app/echo")
	}
	b.stop()
}

func undertowEcho(t *testing.T, client *visitor, pool string) {
	r := client.request(http.MethodGet, pool+".test", "/app/echo?q=%2F", nil)
	r.Header["remote_user"] = []string{"mallory"}
	r.Header["JK_LB_ACTIVATION"] = []string{"STP"}
	p := client.do(r)
	if p.status != http.StatusOK || p.word("remote_user") != "null" || p.word("query") != "q=%2F" || p.word("remote_addr") != "127.0.0.1" {
		t.Errorf("%s: status %d: %s", pool, p.status, p.body)
	}
	// It has no secret and shows ours to the application (ajp13.md 2.5): what is sent
	// there is only what the operator has written.
	want := ""
	if pool == "secret-ours" {
		want = rightSecret
	}
	if p.word("attr.secret") != want {
		t.Errorf("%s: attribute secret %q, want %q", pool, p.word("attr.secret"), want)
	}
	if got := p.word("attr.JK_LB_ACTIVATION"); got == "STP" {
		t.Errorf("%s: the client has set JK_LB_ACTIVATION", pool)
	}
}

func undertowBodies(t *testing.T, client *visitor, pool string) {
	for _, size := range bodySizes {
		body := pattern(size)
		sum := sha256.Sum256(body)
		p, err := client.send(client.request(http.MethodPost, pool+".test", "/app/echo", bytes.NewReader(body)))
		if err != nil || p.status != http.StatusOK || p.word("body_length") != strconv.Itoa(size) || p.word("body_sha256") != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: POST of %d bytes: status %d, %v: %.400q", pool, size, p.status, err, p.body)
		}
		p, err = client.send(client.request(http.MethodGet, pool+".test", "/app/size?n="+strconv.Itoa(size), nil))
		sum = sha256.Sum256([]byte(p.body))
		if err != nil || len(p.body) != size || p.head.Get("X-Digest") != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: GET of %d bytes: status %d, %v, %d bytes: %.100q", pool, size, p.status, err, len(p.body), p.head.Get("Catherd-Reason"))
		}
	}
}

// undertowHeads: it takes and makes heads larger than its packets; ours is what counts.
func undertowHeads(t *testing.T, b *balancer, client *visitor) {
	r := client.request(http.MethodGet, "plain.test", "/app/echo", nil)
	r.Header.Set("X-Long", strings.Repeat("x", 9000))
	if p := client.do(r); p.status != http.StatusRequestHeaderFieldsTooLarge || !strings.Contains(p.head.Get("Catherd-Reason"), "packetSize") {
		t.Errorf("plain: a head of 9000 bytes: status %d, reason %q, want 431 and packetSize", p.status, p.head.Get("Catherd-Reason"))
	}
	r = client.request(http.MethodGet, "packet-both.test", "/app/echo", nil)
	r.Header.Set("X-Long", strings.Repeat("x", 9000))
	if p := client.do(r); p.status != http.StatusOK || len(p.word("header.x-long")) != 9000 {
		t.Errorf("packet-both: a head of 9000 bytes: status %d, want 200", p.status)
	}
	if p := client.get("plain.test", "/app/bighead?n=9000"); p.status != http.StatusBadGateway || !strings.Contains(p.head.Get("Catherd-Reason"), "packetSize") {
		t.Errorf("plain: an answer with a head of 9000 bytes: status %d, reason %q, want 502 and packetSize", p.status, p.head.Get("Catherd-Reason"))
	}
	b.logged("plain", "packetSize", "max_packet_size")
	if p := client.get("packet-both.test", "/app/bighead?n=9000"); p.status != http.StatusOK || len(p.head.Get("X-Big")) != 9000 {
		t.Errorf("packet-both: an answer with a head of 9000 bytes: status %d, want 200", p.status)
	}
}
