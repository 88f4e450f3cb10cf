package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/config"
)

// doors is what `catherd run` says when it has nothing to balance.
const doors = `catherd: no configuration: neither ./catherd.yaml nor /etc/catherd/catherd.yaml exists
  catherd run --listen :8080 ajp://127.0.0.1:8009 ajp://127.0.0.1:9009     no file at all
  catherd run -c FILE                                                      with a file
  catherd help migrate-by-hand                       a file from mod_jk or mod_proxy
`

// places are where a configuration is looked for when none is named.
var places = []string{"catherd.yaml", "/etc/catherd/catherd.yaml"}

// runFlags are the flags of run alone.
type runFlags struct {
	listen string
	admin  string
	state  string
	watch  bool
}

func runCommand(e *env) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run [flags] [BACKEND ...]",
		Short: "start in the foreground",
		Long: "Starts in the foreground with a configuration file, or with the backends that\n" +
			"are named. SIGTERM finishes running requests and ends; a second one ends at\n" +
			"once. SIGHUP reloads the file, SIGUSR1 reopens the access log.",
		Example: "  catherd run -c catherd.yaml\n  catherd run --listen :8080 ajp://127.0.0.1:8009 ajp://127.0.0.1:9009",
		RunE: verb(e, func(ctx context.Context, e *env, args []string) error {
			return run(ctx, e, f, args)
		}),
	}
	c.Flags().StringVar(&f.listen, "listen", "", "where clients connect, with backends (`ADDRESS`)")
	c.Flags().StringVar(&f.admin, "admin", "", "instead of admin.listen: `ADDRESS` or none")
	c.Flags().StringVar(&f.state, "state", "", "where drains and stops are kept: `FILE` or none")
	c.Flags().BoolVar(&f.watch, "watch", false, "reload when the file changes")
	return c
}

func run(ctx context.Context, e *env, f runFlags, backends []string) error {
	o, err := choose(e, f, backends)
	if err != nil {
		return err
	}
	return serve(ctx, e, o)
}

// plan is what one process is to run.
type plan struct {
	path  string // of the configuration file, "" without one
	load  func() (*config.Config, config.Problems)
	watch bool
	state string // "", "none" or a file
}

// choose finds the configuration: the backends that were named, the file that
// was named, or one in the usual places.
func choose(e *env, f runFlags, backends []string) (plan, error) {
	p := plan{watch: f.watch, state: f.state}
	switch {
	case len(backends) > 0 && e.config != "":
		return p, misused("run: name backends or a file, not both: put the backends into %s", e.config)
	case len(backends) > 0:
		if f.watch {
			return p, misused("run: --watch needs a file")
		}
		p.load = func() (*config.Config, config.Problems) { return config.FromBackends(f.listen, backends) }
	case f.listen != "":
		return p, misused("run: --listen goes with backends; in a file it is the key listen")
	default:
		if p.path = e.config; p.path == "" {
			p.path = usual()
		}
		if p.path == "" {
			_, _ = e.stderr.Write([]byte(doors))
			return p, silent(exitUsage)
		}
		p.load = func() (*config.Config, config.Problems) { return config.LoadFile(p.path) }
	}
	admin, err := adminFlag(f.admin)
	if err != nil {
		return p, err
	}
	inner := p.load
	p.load = func() (*config.Config, config.Problems) {
		c, ps := inner()
		if c != nil {
			if admin != "" {
				c.Admin.Listen = admin
			}
			if e.socket != "" {
				c.Admin.Socket = e.socket
			}
		}
		return c, ps
	}
	return p, nil
}

// usual returns the first configuration file that exists.
func usual() string {
	for _, name := range places {
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			return name
		}
	}
	return ""
}

// adminFlag checks what a file's admin.listen is checked for: nothing that is
// open to the network goes without a token, and a flag has none.
func adminFlag(text string) (string, error) {
	if text == "" || text == none {
		return text, nil
	}
	if !strings.Contains(text, ":") {
		text = "127.0.0.1:" + text
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", misused("--admin %q: write host:port, a port, or none", text)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", misused("--admin %q: ports are 1 to 65535", text)
	}
	ip, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return "", misused("--admin %q is open to the network and has no token: use a loopback address, or a file with admin.listen and admin.token_file", text)
	}
	return text, nil
}

// absolute makes the name good for readers in other folders.
func absolute(path string) string {
	if path == "" {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
