package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/bench/tomcat"
)

// node is one Tomcat, real or pretended. Not for concurrent use.
type node interface {
	name() string
	ajp() string // host:port
	http() string
	receiver() int // port, 0 without one
	start(context.Context) error
	gone() <-chan struct{} // closed when it has ended, whoever ended it
	kill()
	howToKill() string // for a person with a shell
	close()
}

// farm is both nodes.
type farm struct {
	kind  string // in words
	group string // address:port of the cluster's heartbeats, "" without
	nodes []node
	both  func(context.Context) error // starts them
}

// The reference's ports.
var reference = []catalina.Options{
	{Name: "tomcat1", HTTP: 8080, AJP: 8009, Shutdown: 8005, Receiver: 4000},
	{Name: "tomcat2", HTTP: 9080, AJP: 9009, Shutdown: 9005, Receiver: 5000},
}

// newFarm decides between real and pretended Tomcats; nothing runs yet.
func newFarm(ctx context.Context, out io.Writer, dir string, s settings) (*farm, error) {
	if !s.anyPorts {
		for _, o := range reference {
			if err := portsFree(o.HTTP, o.AJP, o.Shutdown, o.Receiver); err != nil {
				return nil, fmt.Errorf("%s: %v (stop what listens there, or use -any-ports)", o.Name, err)
			}
		}
	}
	if s.pretend {
		return pretendFarm(s), nil
	}
	if err := catalina.Install(ctx, out, catalina.DemoNeeds); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		fmt.Fprintf(out, "no real Tomcats: %v; using pretend ones\n", err)
		return pretendFarm(s), nil
	}
	return realFarm(dir, s)
}

func realFarm(dir string, s settings) (*farm, error) {
	group := catalina.ReferenceGroup()
	if s.anyPorts {
		var err error
		if group, err = catalina.FreeGroup(); err != nil {
			return nil, err
		}
	}
	f := &farm{kind: "two clustered Tomcats (Debian's tomcat10)", group: fmt.Sprintf("%s:%d", group.Group, group.Port)}
	var tomcats []*catalina.Tomcat
	for _, o := range reference {
		if s.anyPorts {
			o = catalina.Options{Name: o.Name}
		}
		o.Version, o.Cluster, o.Multicast, o.Dir = catalina.Debian, true, group, filepath.Join(dir, o.Name)
		t, err := catalina.New(o)
		if err != nil {
			f.close()
			return nil, err
		}
		tomcats = append(tomcats, t)
		f.nodes = append(f.nodes, &realNode{t})
	}
	f.both = func(ctx context.Context) error { return catalina.StartAll(ctx, tomcats...) }
	return f, nil
}

func pretendFarm(s settings) *farm {
	f := &farm{kind: "two pretend Tomcats that share their sessions"}
	shared := tomcat.NewSessions()
	for _, o := range reference {
		n := &pretendNode{options: tomcat.Options{Route: o.Name, Sessions: shared,
			AJP: fmt.Sprintf("127.0.0.1:%d", o.AJP), HTTP: fmt.Sprintf("127.0.0.1:%d", o.HTTP)}}
		if s.anyPorts {
			n.options.AJP, n.options.HTTP = "127.0.0.1:0", "127.0.0.1:0"
		}
		f.nodes = append(f.nodes, n)
	}
	f.both = func(ctx context.Context) error {
		var errs []error
		for _, n := range f.nodes {
			errs = append(errs, n.start(ctx))
		}
		return errors.Join(errs...)
	}
	return f
}

func (f *farm) start(ctx context.Context) error { return f.both(ctx) }

func (f *farm) close() {
	for _, n := range f.nodes {
		n.close()
	}
}

// realNode is a Tomcat of package catalina.
type realNode struct{ t *catalina.Tomcat }

func (n *realNode) name() string                    { return n.t.Name }
func (n *realNode) ajp() string                     { return n.t.AJPAddr() }
func (n *realNode) http() string                    { return n.t.HTTPAddr() }
func (n *realNode) receiver() int                   { return n.t.Receiver }
func (n *realNode) start(ctx context.Context) error { return n.t.Start(ctx) }
func (n *realNode) gone() <-chan struct{}           { return n.t.Gone() }
func (n *realNode) kill()                           { n.t.Kill() }
func (n *realNode) howToKill() string               { return fmt.Sprintf("kill -9 %d", n.t.PID()) }
func (n *realNode) close()                          { n.t.Close() }

// pretendNode is a server of package tomcat. Its ports are fixed by the first start.
type pretendNode struct {
	options tomcat.Options
	server  *tomcat.Server // nil before the first start
}

func (n *pretendNode) name() string  { return n.options.Route }
func (n *pretendNode) ajp() string   { return n.options.AJP }
func (n *pretendNode) http() string  { return n.options.HTTP }
func (n *pretendNode) receiver() int { return 0 }

func (n *pretendNode) start(context.Context) error {
	server, err := tomcat.Start(n.options)
	if err != nil {
		return err
	}
	n.server, n.options.AJP, n.options.HTTP = server, server.AJPAddr(), server.HTTPAddr()
	return nil
}

func (n *pretendNode) gone() <-chan struct{} { return n.server.Dead() }
func (n *pretendNode) kill()                 { n.server.Kill() }

func (n *pretendNode) howToKill() string {
	return fmt.Sprintf("curl 'http://%s/app/fault?do=die'", n.options.HTTP)
}

func (n *pretendNode) close() {
	if n.server != nil {
		n.server.Close()
	}
}
