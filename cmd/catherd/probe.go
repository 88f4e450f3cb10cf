package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/doctor"
)

// probeFlags are the flags of probe. Those beside deep are for a URL; a file
// has its own words for them.
type probeFlags struct {
	deep       bool
	secretFile string
	packet     int64
	path, host string
	attributes []string
}

func probeCommand(e *env) *cobra.Command {
	var f probeFlags
	c := &cobra.Command{
		Use:   "probe [MEMBER|URL]",
		Short: "examine the connector of a Tomcat, and name what to change",
		Long: "Connects, pings, asks for a page, and names the attribute of server.xml behind what\n" +
			"is wrong. Without an argument: every member of the file. Takes about 3 s; --deep takes\n" +
			"as long as unused connections are kept, and may hold all threads for a moment.",
		Example:           "  catherd probe ajp://127.0.0.1:8009 --secret-file /etc/catherd/ajp.secret",
		Args:              between(0, 1),
		ValidArgsFunction: completeMembers(e),
	}
	c.Flags().BoolVar(&f.deep, "deep", false, "find limits and keep-alive times as well")
	c.Flags().StringVar(&f.path, "request", "", "ask for this `PATH` in place of health.request")
	c.Flags().StringVar(&f.host, "host", "", "the `NAME` in the Host field")
	c.Flags().StringArrayVar(&f.attributes, "attribute", nil, "is this request attribute (`NAME`) let in? may be repeated")
	c.Flags().StringVar(&f.secretFile, "secret-file", "", "`FILE` with the AJP secret, for a URL")
	c.Flags().Int64Var(&f.packet, "packet-size", 0, "our AJP packet size in `BYTES`, for a URL")
	c.RunE = verb(e, func(ctx context.Context, e *env, args []string) error { return probe(ctx, e, args, f) })
	return c
}

func probe(ctx context.Context, e *env, args []string, f probeFlags) error {
	if f.path != "" && !strings.HasPrefix(f.path, "/") {
		return misused("probe: --request %q does not begin with a slash", f.path)
	}
	var list []patient
	var err error
	if len(args) == 1 && strings.Contains(args[0], "://") {
		list, err = patientOf(e, args[0], f)
	} else if f.secretFile != "" || f.packet != 0 {
		err = misused("probe: --secret-file and --packet-size go with a URL; members have their pool's")
	} else {
		list, err = patientsNamed(ctx, e, args)
	}
	if err != nil {
		return err
	}
	for i := range list {
		s := &list[i].subject
		s.Deep, s.Attributes = f.deep, f.attributes
		if f.path != "" {
			s.Path, s.Expect = f.path, nil
		}
		if f.host != "" {
			s.Host = f.host
		}
	}
	ok, facts, text := examine(ctx, list)
	err = e.facts(struct {
		OK      bool          `json:"ok"`
		Members []patientFact `json:"members"`
	}{ok, facts}, text)
	if err == nil && !ok {
		err = silent(exitFailed)
	}
	return err
}

// atOnce bounds how many connectors are examined at a time.
const atOnce = 16

// examine examines them side by side and gives the facts in their order.
func examine(ctx context.Context, list []patient) (ok bool, facts []patientFact, text string) {
	facts = make([]patientFact, len(list))
	room := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	width := 0
	for i, p := range list {
		width = max(width, utf8.RuneCountInString(p.label))
		all.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			r := doctor.Examine(ctx, p.subject)
			facts[i] = patientFact{p.pool, p.member, r.OK(), r}
		})
	}
	all.Wait()
	ok = ctx.Err() == nil
	var b strings.Builder
	for i, p := range list {
		ok = ok && facts[i].OK
		b.WriteString(facts[i].Text(p.label, width, 88))
	}
	if ctx.Err() != nil {
		fmt.Fprintln(&b, "ended before everything was asked")
	}
	return ok, facts, b.String()
}
