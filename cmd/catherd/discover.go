package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/tribes"
)

// discoverFlags are the flags of discover.
type discoverFlags struct {
	period time.Duration
	groups []string
	iface  string
	beacon string
	out    string // text, json, or a file
	force  bool
	narrow bool // only what is heard
	chosen bool // the groups are the caller's
}

// defaultGroup is where McastService sends to unless server.xml says otherwise
// (org.apache.catalina.tribes.membership.McastService).
const defaultGroup = "228.0.0.4:45564"

func discoverCommand(e *env) *cobra.Command {
	var f discoverFlags
	c := &cobra.Command{
		Use:   "discover",
		Short: "listen and look for Tomcats, and write a configuration for them",
		Long: "Listens to the multicast group of the cluster and to those that server.xml of\n" +
			"Tomcats of this host name, asks the connectors they are likely to have, and prints\n" +
			"a configuration that is ready to run. Nothing is sent to a group, and no other host\n" +
			"is asked than those that are heard.",
		Example: "  catherd discover -o catherd.yaml",
		Args:    between(0, 0),
	}
	c.Flags().DurationVar(&f.period, "for", 5*time.Second, "listen for this `TIME`")
	c.Flags().StringArrayVar(&f.groups, "group", []string{defaultGroup}, "`GROUP` of McastService; may be repeated")
	c.Flags().StringVar(&f.iface, "interface", "", "listen on this `INTERFACE`, a name or an address")
	c.Flags().StringVar(&f.beacon, "beacon", tribes.DefaultBeacon, "`GROUP` of HeartbeatListener, or none")
	c.Flags().BoolVar(&f.narrow, "only-heard", false, "do not look at the processes of this host")
	c.Flags().BoolVar(&f.force, "force", false, "replace the file that -o names")
	// The name is that of the global flag: here it names a file as well.
	c.Flags().StringVarP(&f.out, "output", "o", "text", "write to `FILE`; text and json print")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		f.chosen = cmd.Flags().Changed("group")
		return coded(discoverTomcats(cmd.Context(), e, f))
	}
	return c
}

// discoverTomcats is the verb: listen, look, ask, show.
func discoverTomcats(ctx context.Context, e *env, f discoverFlags) error {
	if f.period <= 0 || f.period > time.Hour {
		return misused("discover: --for %s is not between 0s and 1h", f.period)
	}
	file := ""
	if f.out != "text" && f.out != "json" {
		file = f.out
		if exists(file) && !f.force {
			return failed("%s exists: name another file, or replace it with --force", file)
		}
	} else {
		e.output = f.out
	}
	seen, err := listen(ctx, e, f)
	if err != nil {
		return err
	}
	seen.ask(ctx, &health.NetProber{})
	if ctx.Err() != nil {
		return failed("interrupted")
	}
	members := seen.arrange()
	if len(members) == 0 {
		if err := e.facts(seen.fact(nil, ""), seen.report()); err != nil {
			return err
		}
		return failed("%s", seen.nothing())
	}
	text := seen.configuration(members)
	if cfg, problems := config.Load("the configuration made from this", []byte(text), nil, config.Options{}); cfg == nil {
		return failed("%v", problems)
	}
	if file == "" {
		return e.facts(seen.fact(members, text), text)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return failed("write the configuration: %v", err)
	}
	return e.facts(seen.fact(members, text), seen.report()+fmt.Sprintf("wrote %s: %s; next: catherd check %s --probe\n", file, plural(len(members), "member"), file))
}

// listen looks at this host, and hears whoever speaks in the time.
func listen(ctx context.Context, e *env, f discoverFlags) (*sight, error) {
	var observers []*tribes.Observer
	s := &sight{iface: f.iface, period: f.period}
	if !f.narrow {
		s.lookHere()
	}
	if !f.chosen {
		for i := range s.here {
			if g := s.here[i].group; g != "" && !slices.Contains(f.groups, g) && len(f.groups) < maxGroups {
				f.groups = append(f.groups, g)
			}
		}
	}
	for _, text := range f.groups {
		group, err := multicast(text)
		if err != nil {
			return nil, misused("discover: --group %v", err)
		}
		observers = append(observers, tribes.NewObserver(tribes.GroupConfig{Group: group, Interface: f.iface}, tribes.Settings{}, nil, nil))
	}
	var beacons *tribes.BeaconObserver
	if f.beacon != none {
		group, err := multicast(f.beacon)
		if err != nil {
			return nil, misused("discover: --beacon %v", err)
		}
		s.beacon = group
		beacons = tribes.NewBeaconObserver(tribes.GroupConfig{Group: group, Interface: f.iface}, nil, nil)
	}
	ctx, stop := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	defer stop()
	if e.terminal && !e.quiet {
		fmt.Fprintf(e.stderr, "listening to %s for %s\n", strings.Join(f.groups, ", "), f.period)
	}
	run, done := context.WithTimeout(ctx, f.period)
	defer done()
	var all sync.WaitGroup
	for _, o := range observers {
		all.Go(func() { o.Run(run) })
	}
	if beacons != nil {
		all.Go(func() { beacons.Run(run) })
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil, failed("interrupted")
	}
	var receivers []netip.AddrPort
	for i, o := range observers {
		nodes := o.Nodes()
		if len(nodes) > maxNodes {
			s.more += len(nodes) - maxNodes
			nodes = nodes[:maxNodes]
		}
		for k := range nodes {
			receivers = append(receivers, nodes[k].Receiver)
		}
		s.groups = append(s.groups, groupSight{f.groups[i], o.Facts(), nodes})
	}
	if beacons != nil {
		s.beacons = beacons.Nodes(time.Now())
		s.beacons = s.beacons[:min(len(s.beacons), maxNodes)]
	}
	s.owners = discover.Owners(receivers)
	return s, nil
}

// multicast reads the address of a group.
func multicast(text string) (netip.AddrPort, error) {
	group, err := netip.ParseAddrPort(text)
	switch {
	case err != nil:
		return group, fmt.Errorf("%q is no address with a port: write it like %s", text, defaultGroup)
	case !group.Addr().IsMulticast() || group.Port() == 0:
		return group, errors.New(text + " is no multicast group: those are 224.0.0.0 to 239.255.255.255, or begin with ff")
	}
	return group, nil
}

// lookHere finds the Tomcats of this host.
func (s *sight) lookHere() {
	s.local, _ = tribes.LocalAddrs() // unknown: loopback is local all the same
	for _, p := range discover.LocalJava() {
		i := instance{Process: p}
		if p.Base != "" {
			i.serverFile = readServer(p.Base)
		}
		s.here = append(s.here, i)
	}
}

// ask asks every connector that somebody is likely to have, in its own
// protocol.
func (s *sight) ask(ctx context.Context, p health.Prober) {
	s.answers = map[netip.AddrPort]discover.Answer{}
	room := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	var mu sync.Mutex // guards answers
	for _, at := range s.candidates() {
		all.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			got := askOne(ctx, p, at)
			mu.Lock()
			defer mu.Unlock()
			s.answers[at] = got
		})
	}
	all.Wait()
}

// isHere reports whether an address is one of this host.
func (s *sight) isHere(a netip.Addr) bool { return a.IsLoopback() || slices.Contains(s.local, a) }
