package realtomcat

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/controlplane/doctor"
)

// sick are Connector elements of which each has something that an operator may have
// meant otherwise. PORT and STORE are put in later.
var sick = map[string]string{
	"secret":    `protocol="AJP/1.3" secretRequired="true" secret="` + rightSecret + `"`,
	"dead":      `protocol="AJP/1.3" secretRequired="true"`,
	"dead-full": `protocol="AJP/1.3" secretRequired="true" acceptCount="1"`,
	"packet16":  `protocol="AJP/1.3" secretRequired="false" packetSize="16384"`,
	"packet64":  `protocol="AJP/1.3" secretRequired="false" packetSize="65536"`,
	"allowing":  `protocol="AJP/1.3" secretRequired="false" allowedRequestAttributesPattern="SSO_.*"`,
	"keepalive": `protocol="AJP/1.3" secretRequired="false" keepAliveTimeout="700"`,
	"timeout":   `protocol="AJP/1.3" secretRequired="false" connectionTimeout="700"`,
	"few":       `protocol="org.apache.coyote.ajp.AjpNioProtocol" secretRequired="false" maxConnections="3"`,
	"threads":   `protocol="org.apache.coyote.ajp.AjpNioProtocol" secretRequired="false" maxThreads="3" minSpareThreads="1"`,
	"redirect":  `protocol="AJP/1.3" secretRequired="false" redirectPort="9443"`,
	"shortweb":  `protocol="HTTP/1.1" keepAliveTimeout="700"`,
}

// ward is one Tomcat with all the sick connectors.
type ward struct {
	*catalina.Tomcat
	addr map[string]string
}

// newWard starts it; it ends with the test.
func newWard(t *testing.T, version string) *ward {
	t.Helper()
	w := &ward{addr: map[string]string{}}
	var elements []string
	add := func(name, element string) {
		port := freePort(t)
		w.addr[name] = fmt.Sprintf("127.0.0.1:%d", port)
		elements = append(elements, strings.ReplaceAll(element, "PORT", fmt.Sprint(port)))
	}
	for name, attributes := range sick {
		add(name, `<Connector address="127.0.0.1" port="PORT" `+attributes+`/>`)
	}
	add("tls", secureConnector(version, keystore(t)))
	tomcat, err := catalina.New(catalina.Options{Version: version, Connectors: elements})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tomcat.Close)
	w.Tomcat = tomcat
	create(t, filepath.Join(tomcat.Dir, "webapps", "ops", "connector.jsp"), []byte(operate))
	create(t, filepath.Join(tomcat.Dir, "webapps", "vault", "WEB-INF", "web.xml"), []byte(`<web-app version="3.0">
<security-constraint>
  <web-resource-collection><web-resource-name>all</web-resource-name><url-pattern>/*</url-pattern></web-resource-collection>
  <user-data-constraint><transport-guarantee>CONFIDENTIAL</transport-guarantee></user-data-constraint>
</security-constraint>
</web-app>`))
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	if err := tomcat.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return w
}

// keystore makes a key and a certificate for localhost, signed by itself.
func keystore(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "store.p12")
	out, err := exec.Command("keytool", "-genkeypair", "-keystore", file, "-storetype", "PKCS12", "-storepass", "changeit",
		"-alias", "tomcat", "-keyalg", "EC", "-dname", "CN=localhost", "-validity", "2").CombinedOutput()
	if err != nil {
		t.Fatalf("keytool: %v\n%s", err, out)
	}
	return file
}

// secureConnector is an HTTPS connector in the words of the generation.
func secureConnector(version, store string) string {
	if strings.HasPrefix(version, "7.") {
		return `<Connector address="127.0.0.1" port="PORT" protocol="HTTP/1.1" SSLEnabled="true" scheme="https" secure="true"
        keystoreFile="` + store + `" keystoreType="PKCS12" keystorePass="changeit"/>`
	}
	return `<Connector address="127.0.0.1" port="PORT" protocol="org.apache.coyote.http11.Http11NioProtocol" SSLEnabled="true" scheme="https" secure="true">
      <SSLHostConfig><Certificate certificateKeystoreFile="` + store + `" certificateKeystoreType="PKCS12" certificateKeystorePassword="changeit"/></SSLHostConfig>
    </Connector>`
}

// examination is one question and the findings it must have, and no others.
type examination struct {
	name    string
	subject doctor.Subject
	want    string // IDs, in their order
	names   string // what some finding must name
}

// leisure are time-outs that a busy machine keeps, where a test has no others.
func leisure(s doctor.Subject) doctor.Subject {
	for d, usual := range map[*time.Duration]time.Duration{
		&s.Connect: 5 * time.Second, &s.Ping: 5 * time.Second, &s.Answer: 10 * time.Second, &s.Hold: 100 * time.Millisecond,
	} {
		if *d == 0 {
			*d = usual
		}
	}
	return s
}

func examinations(w *ward, nobody, elsewhere string) []examination {
	ajp := func(connector string) doctor.Subject {
		return doctor.Subject{Protocol: doctor.AJP, Addr: w.addr[connector], Path: "/app/status"}
	}
	to := func(protocol, addr string) doctor.Subject {
		return doctor.Subject{Protocol: protocol, Addr: addr, Path: "/app/status"}
	}
	with := func(s doctor.Subject, change func(*doctor.Subject)) doctor.Subject { change(&s); return s }
	plain := to(doctor.AJP, w.AJPAddr())
	silent := func(s *doctor.Subject) { s.Patience, s.Ping, s.Answer = time.Second, time.Second, time.Second }
	return []examination{
		{"well", plain, "", ""},
		{"well over http", with(to(doctor.HTTP, w.HTTPAddr()), func(s *doctor.Subject) { s.KeepFor = 15 * time.Second }), "", ""},
		{"secret right", with(ajp("secret"), func(s *doctor.Subject) { s.Secret = rightSecret }), "", ""},
		{"secret wrong", with(ajp("secret"), func(s *doctor.Subject) { s.Secret = wrongSecret }), "secret-wrong", `secret="..."`},
		{"secret missing", ajp("secret"), "secret-missing", "secret_file"},
		{"secret unused", with(plain, func(s *doctor.Subject) { s.Secret = rightSecret }), "secret-unused", `secret="..."`},
		{"not started", with(ajp("dead"), silent), "silent", "secretRequired"},
		{"attribute", with(plain, func(s *doctor.Subject) { s.Attributes = []string{"SSO_USER"} }), "attribute-forbidden", `allowedRequestAttributesPattern="SSO_USER"`},
		{"attribute let in", with(ajp("allowing"), func(s *doctor.Subject) { s.Attributes = []string{"SSO_USER"} }), "", ""},
		{"one attribute of two", with(ajp("allowing"), func(s *doctor.Subject) { s.Attributes = []string{"SSO_USER", "OTHER"} }), "attribute-forbidden", `Pattern="OTHER"`},
		{"packet smaller", with(plain, func(s *doctor.Subject) { s.Packet = 65536 }), "packet-smaller", `packetSize="65536"`},
		{"packet in between", with(ajp("packet16"), func(s *doctor.Subject) { s.Packet = 65536 }), "packet-smaller", "max_packet_size: 16384"},
		{"packet alike", with(ajp("packet64"), func(s *doctor.Subject) { s.Packet = 65536; s.Path = "/app/size?n=200000" }), "", ""},
		{"packet larger", with(ajp("packet64"), func(s *doctor.Subject) { s.Path = "/app/upload" }), "packet-larger", "max_packet_size: 65536"},
		{"keep-alive", with(ajp("keepalive"), func(s *doctor.Subject) { s.Hold = 6 * time.Second }), "keep-alive", "keepAliveTimeout"},
		{"keep-alive over http", with(to(doctor.HTTP, w.addr["shortweb"]), func(s *doctor.Subject) { s.Hold = 6 * time.Second }), "keep-alive", "keepAliveTimeout"},
		{"connection timeout", with(ajp("timeout"), func(s *doctor.Subject) { s.Hold = 6 * time.Second }), "keep-alive", "connectionTimeout"},
		{"few connections", with(ajp("few"), func(s *doctor.Subject) { s.Max = 256 }), "max-connections", "connections.max: 3"},
		{"few threads", with(ajp("threads"), func(s *doctor.Subject) { s.Max, s.KeepFor, s.Deep = 256, time.Second, true }), "max-threads", "connections.max: 3"},
		{"http on the ajp port", to(doctor.AJP, w.HTTPAddr()), "http-port", `protocol="AJP/1.3"`},
		{"ajp on the http port", to(doctor.HTTP, w.AJPAddr()), "ajp-port", "ajp://"},
		{"ajp on the https port", to(doctor.HTTPS, w.AJPAddr()), "ajp-port", "ajp://"},
		{"tls on the ajp port", to(doctor.AJP, w.addr["tls"]), "tls-port", "SSLEnabled"},
		{"tls on the http port", to(doctor.HTTP, w.addr["tls"]), "tls-port", "SSLEnabled"},
		{"http on the https port", to(doctor.HTTPS, w.HTTPAddr()), "not-tls", "SSLEnabled"},
		{"own certificate", to(doctor.HTTPS, w.addr["tls"]), "certificate", "ertificateKeystoreFile"},
		{"shutdown port", to(doctor.AJP, fmt.Sprintf("127.0.0.1:%d", w.Shutdown)), "closed", "8005"},
		{"nobody", to(doctor.AJP, nobody), "refused", "address="},
		{"bound elsewhere", to(doctor.AJP, elsewhere), "bound-elsewhere", "address="},
		{"no application", with(plain, func(s *doctor.Subject) { s.Path = "/nothing/here" }), "not-found", "404"},
		{"strange host", with(plain, func(s *doctor.Subject) { s.Host = "under_score.test" }), "host-refused", "underscore"},
		{"redirect", with(ajp("redirect"), func(s *doctor.Subject) { s.Path = "/vault/" }), "redirect-secure", "redirectPort"},
	}
}

// TestDoctor: every wrong Connector element is named rightly, and a right one has
// nothing to be named.
func TestDoctor(t *testing.T) {
	for _, version := range []string{"7.0.109", "10.1.34"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			w := newWard(t, version)
			_, port, err := net.SplitHostPort(w.AJPAddr())
			if err != nil {
				t.Fatal(err)
			}
			list := examinations(w, fmt.Sprintf("127.0.0.1:%d", freePort(t)), net.JoinHostPort("127.0.0.2", port))
			t.Run("questions", func(t *testing.T) {
				for _, e := range list {
					t.Run(e.name, func(t *testing.T) {
						t.Parallel()
						e.run(t)
					})
				}
			})
			t.Run("connections full", w.connectionsFull)
			t.Run("threads full", w.threadsFull)
			if version == "10.1.34" { // the JSP compiler of 7.0 cannot read a current JDK's classes
				t.Run("paused", w.paused)
			}
			t.Run("queue full", w.queueFull)
			t.Run("frozen", w.frozen)
		})
	}
}

func (e *examination) run(t *testing.T) {
	t.Helper()
	r := doctor.Examine(t.Context(), leisure(e.subject))
	var ids []string
	named := e.names == ""
	for _, f := range r.Findings {
		ids = append(ids, f.ID)
		named = named || strings.Contains(f.String(), e.names)
	}
	if got := strings.Join(ids, " "); got != e.want || !named {
		t.Errorf("found %q, want %q with %q:\n%s", got, e.want, e.names, r.Text(e.name, 0, 100))
	}
}

// TestDoctorFindsNothing: two clustered Tomcats of the reference are well, by every way
// and by the deep examination as well.
func TestDoctorFindsNothing(t *testing.T) {
	for _, version := range []string{"7.0.109", "10.1.34"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			tomcats := pair(t, catalina.Options{Version: version, Secret: rightSecret})
			for _, tomcat := range tomcats {
				for _, s := range []doctor.Subject{
					{Protocol: doctor.AJP, Addr: tomcat.AJPAddr(), Secret: rightSecret, Path: "/app/status", Max: 150, Hold: time.Second},
					{Protocol: doctor.AJP, Addr: tomcat.AJPAddr(), Secret: rightSecret, Path: "/app/status", Max: 150, KeepFor: time.Second, Deep: true},
					{Protocol: doctor.AJP, Addr: tomcat.AJPAddr(), Secret: rightSecret},
					{Protocol: doctor.HTTP, Addr: tomcat.HTTPAddr(), Path: "/app/status", Max: 150, KeepFor: 15 * time.Second},
				} {
					r := doctor.Examine(t.Context(), leisure(s))
					if len(r.Findings) > 0 {
						t.Errorf("%s is well, but: %s", tomcat.Name, r.Text(r.URL, 0, 100))
					}
				}
			}
			doctorCommand(t, tomcats[0])
		})
	}
}

// doctorCommand is what an operator does with a wrong secret.
func doctorCommand(t *testing.T, tomcat *catalina.Tomcat) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	dir := t.TempDir()
	ask := func(secret string) (string, int) {
		file := filepath.Join(dir, "ajp.secret")
		if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(ctx, program, "probe", "ajp://"+tomcat.AJPAddr(), "--secret-file", file, "--request", "/app/status")
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := ask(rightSecret); code != 0 || !strings.Contains(out, "GET /app/status 200") || len(slices.Collect(strings.Lines(out))) != 1 {
		t.Errorf("right secret: exit code %d, %s", code, out)
	}
	if out, code := ask(wrongSecret); code != 1 || !hasAll(out, []string{"cping", "GET /app/status 403", `secret="..."`}) || strings.Contains(out, wrongSecret) {
		t.Errorf("wrong secret: exit code %d, %s", code, out)
	}
}
