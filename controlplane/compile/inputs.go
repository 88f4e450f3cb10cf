package compile

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/learned"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// Inputs is everything a table is made of.
type Inputs struct {
	Now       time.Time
	Config    *config.Config
	Health    map[table.ID]health.Verdict // a member that is not in it is "checking"
	Overrides []overrides.Override
	Learned   learned.Routes // routes seen in session cookies
	// Moved has, by their present names, the earlier ones of members that were
	// found at another place: the same Tomcats with the same counters.
	Moved map[table.ID]table.ID

	// Digest is Config.Digest() where the caller has it already: it is made
	// costly on purpose. Empty: Build works it out.
	Digest string
}

// ID names a member over tables.
func ID(pool string, m *config.Member) table.ID {
	return table.ID(pool + "/" + m.Name + "@" + m.URL.String())
}

// Build makes a sealed table, with Version one above prev's, and the report
// that explains it. Members and pools that prev has as well keep their
// counters. prev may be nil. An error names what in the configuration cannot
// be carried out; there is no table then.
func Build(in Inputs, prev *table.Table) (*table.Table, Report, error) {
	report := Judge(in)
	live := keep(prev)
	live.moved = in.Moved
	if in.Digest == "" {
		in.Digest = in.Config.Digest()
	}
	t := &table.Table{
		Digest: in.Digest,
		Trust:  in.Config.TrustForwardedFrom,
		Limits: table.Limits{
			HeaderSize: int(in.Config.Limits.HeaderSize),
			BodySize:   in.Config.Limits.BodySize,
		},
	}
	if prev != nil {
		t.Version = prev.Version
	}
	t.Version++
	byName := map[string]*table.Pool{}
	for i := range in.Config.Pools {
		p := pool(&in.Config.Pools[i], &report.Pools[i], live)
		t.Pools = append(t.Pools, p)
		byName[p.Name] = p
	}
	for i := range in.Config.Routes {
		r, err := route(&in.Config.Routes[i], byName)
		if err != nil {
			return nil, Report{}, err
		}
		t.Routes = append(t.Routes, r)
	}
	if err := t.Seal(); err != nil {
		return nil, Report{}, fmt.Errorf("build table: %w", err)
	}
	return t, report, nil
}

func route(c *config.Route, pools map[string]*table.Pool) (table.Route, error) {
	r := table.Route{Host: host(c.Host), Pool: pools[c.Pool]}
	if r.Pool == nil {
		return r, fmt.Errorf("build route %q: there is no pool %q", c.Path, c.Pool)
	}
	var err error
	if r.Pattern, err = table.ParsePattern(c.Path); err != nil {
		return r, fmt.Errorf("build route: %w", err)
	}
	for _, u := range c.Unmount {
		p, err := table.ParsePattern(u)
		if err != nil {
			return r, fmt.Errorf("build route %q, unmount: %w", c.Path, err)
		}
		r.Unmount = append(r.Unmount, p)
	}
	return r, nil
}

// host turns "*.example.org" into the table's form ".example.org".
func host(s string) string {
	s = strings.ToLower(s)
	if s == "*" {
		return ""
	}
	return strings.TrimPrefix(s, "*")
}

// lives finds the counters of an earlier table.
type lives struct {
	members map[table.ID]*meter.Member
	placed  map[place]*meter.Member
	pools   map[string]*meter.Pool
	moved   map[table.ID]table.ID
}

func keep(prev *table.Table) lives {
	l := lives{members: map[table.ID]*meter.Member{}, placed: map[place]*meter.Member{}, pools: map[string]*meter.Pool{}}
	if prev == nil {
		return l
	}
	for _, p := range prev.Pools {
		l.pools[p.Name] = p.Live
		for i := range p.Members {
			m := &p.Members[i]
			l.members[m.ID] = m.Live
			if host, _, err := net.SplitHostPort(m.Target.Addr); err == nil {
				l.placed[place{p.Name, m.Name, host}] = m.Live
			}
		}
	}
	return l
}

// place is where a member of a pool serves, whatever the port.
type place struct{ pool, name, host string }

// member finds the counters of a member. One that names its node keeps them when
// its connector is found on another port of its host: it is the same Tomcat.
func (l lives) member(id table.ID, pool string, c *config.Member) *meter.Member {
	m := l.members[id]
	if m == nil {
		m = l.members[l.moved[id]]
	}
	if m == nil && c.Receiver != "" {
		m = l.placed[place{pool, c.Name, c.URL.Host}]
	}
	if m == nil {
		m = new(meter.Member)
	}
	return m
}

func (l lives) pool(name string) *meter.Pool {
	if p := l.pools[name]; p != nil {
		return p
	}
	return new(meter.Pool)
}
