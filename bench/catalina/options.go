package catalina

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/catherd/catherd/bench/freeport"
)

// Options describe one Tomcat. The zero value of a port means: a free one.
type Options struct {
	Version string // one of Versions, any release of those generations, or Debian
	Name    string // jvmRoute; also the node= word of the application's answers

	// Address of the connectors and the receiver; empty: 127.0.0.1. Another one is for a
	// network namespace of the caller's own.
	Address string

	HTTP, AJP, Shutdown, Receiver int // TCP ports of Address; Shutdown is 127.0.0.1's

	Secret     string // AJP secret; empty: secretRequired="false"
	PacketSize int    // bytes; 0: Tomcat's default, 8192

	// Attributes laid over those of the two connectors; an empty value removes one.
	AJPAttributes, HTTPAttributes map[string]string

	Connectors []string // further Connector elements, as XML

	NoAJP bool // the AJP connector is not expected to answer: Start does not wait for it

	Cluster   bool      // with the reference's Cluster element
	Multicast Multicast // zero: ReferenceGroup

	Dir     string   // CATALINA_BASE; empty: a temporary folder, removed by Close
	JVMArgs []string // behind our own, so they win (for example "-Xmx512m")
}

// loggingProperties sends everything of INFO and above to standard output.
const loggingProperties = `handlers = java.util.logging.ConsoleHandler
.level = INFO
java.util.logging.ConsoleHandler.level = INFO
java.util.logging.ConsoleHandler.formatter = org.apache.juli.OneLineFormatter
`

//go:embed webapp
var webapp embed.FS

// New fetches the release if needed and writes the CATALINA_BASE. Nothing runs yet.
func New(o Options) (*Tomcat, error) {
	g, err := generationOf(o.Version)
	if err != nil {
		return nil, err
	}
	home, err := Fetch(o.Version)
	if err != nil {
		return nil, err
	}
	if o.Name == "" {
		o.Name = "tomcat1"
	}
	if o.Address == "" {
		o.Address = "127.0.0.1"
	}
	if o.Multicast == (Multicast{}) {
		o.Multicast = ReferenceGroup()
	}
	free, err := freeport.Find("127.0.0.1", 4)
	if err != nil {
		return nil, err
	}
	for i, port := range []*int{&o.HTTP, &o.AJP, &o.Shutdown, &o.Receiver} {
		if *port == 0 {
			*port = free[i]
		}
	}
	t := &Tomcat{Options: o, home: home}
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "catherd-"+o.Name+"-")
		if err != nil {
			return nil, fmt.Errorf("create catalina base: %v", err)
		}
		t.Dir, t.temporary = dir, true
	}
	if err := t.writeBase(g); err != nil {
		t.Close()
		return nil, fmt.Errorf("write catalina base %q: %v", t.Dir, err)
	}
	return t, nil
}

// writeBase lays out conf, logs, temp, work and webapps/app.
func (t *Tomcat) writeBase(g generation) error {
	for _, dir := range []string{"conf", "logs", "temp", "work", "webapps"} {
		if err := os.MkdirAll(filepath.Join(t.Dir, dir), 0o755); err != nil {
			return err
		}
	}
	server, err := render(&t.Options, g)
	if err != nil {
		return err
	}
	// The release's own web.xml holds the JSP servlet; tomcat10 keeps it in /etc.
	conf := filepath.Join(t.home, "conf")
	if t.Version == Debian {
		conf = "/etc/tomcat10"
	}
	defaults, err := os.ReadFile(filepath.Join(conf, "web.xml"))
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"server.xml":         server,
		"web.xml":            defaults,
		"logging.properties": []byte(loggingProperties),
	} {
		if err := os.WriteFile(filepath.Join(t.Dir, "conf", name), content, 0o644); err != nil {
			return err
		}
	}
	return t.writeApplication()
}

func (t *Tomcat) writeApplication() error {
	return fs.WalkDir(webapp, "webapp", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := webapp.ReadFile(path)
		if err != nil {
			return err
		}
		// The pages learn who they are from the descriptor: the compiler of 7.0 and 8.5
		// cannot read java.lang.System of a current JDK.
		content = bytes.ReplaceAll(content, []byte("@NODE@"), []byte(escape(t.Name)))
		content = bytes.ReplaceAll(content, []byte("@LEDGER@"), []byte(escape(t.ledgerFile())))
		inside, err := filepath.Rel("webapp", path)
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(t.Dir, "webapps", "app", inside), bytes.NewReader(content))
	})
}
