package compile

import (
	"slices"
	"time"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/dataplane/table"
)

// pool makes a table's pool of a configured one and of what the report says
// about its members.
func pool(c *config.Pool, r *PoolReport, live lives) *table.Pool {
	p := &table.Pool{
		Name:    c.Name,
		Policy:  policies[c.Balance],
		HashKey: c.HashOn,
		Sticky:  sessions(&c.Sticky),
		Retry: table.Retry{
			Attempts:    c.Retry.Attempts,
			Dial:        slices.Contains(c.Retry.On, config.RetryDial),
			Stale:       slices.Contains(c.Retry.On, config.RetryStale),
			Broken:      slices.Contains(c.Retry.On, config.RetryBroken),
			Unavailable: slices.Contains(c.Retry.On, config.RetryUnavailable),
			Budget:      c.Retry.Budget,
		},
		Timeouts: table.Timeouts{
			Connect:      c.Timeouts.Connect,
			FirstByte:    c.Timeouts.FirstByte,
			BetweenBytes: c.Timeouts.BetweenBytes,
			Cping:        c.Ping.Timeout,
			Queue:        c.Timeouts.Queue,
		},
		Conns: table.Conns{
			Max:     c.Connections.Max,
			Keep:    c.Connections.Keep,
			KeepFor: c.Connections.KeepFor,
			Queue:   c.Connections.Queue,
		},
		Ping: table.Ping{
			Connect:  c.Ping.Connect,
			Idle:     c.Ping.Idle,
			Interval: c.Ping.Interval,
		},
		PacketSize:       packetSize(c.MaxPacketSize),
		Forwarded:        forwarded[c.Forwarded],
		TripAfter:        c.Health.TripAfter,
		TripFor:          tripFor(c.Health.Every),
		MaxReplyTimeouts: c.MaxReplyTimeouts,
		FailOnStatus:     c.FailOnStatus.List(),
		Live:             live.pool(c.Name),
	}
	scale := scale(r)
	for i := range c.Members {
		m := member(c, &c.Members[i], &r.Members[i], live)
		m.Weight = weight(r.Members[i].Weight, r.Members[i].Share, scale)
		p.Members = append(p.Members, m)
	}
	return p
}

// sessions is where sessions are looked for, and what is done when they are lost.
func sessions(c *config.Sticky) table.Sticky {
	s := table.Sticky{
		Off:        c.Off,
		Cookies:    c.Cookie,
		PathParams: c.PathParameter,
		LastDot:    c.Separator == "last",
		OnLoss:     table.Move,
	}
	if c.OnLoss == config.Refuse {
		s.OnLoss = table.Refuse
	}
	return s
}

func member(c *config.Pool, m *config.Member, r *MemberReport, live lives) table.Member {
	out := table.Member{
		ID:       r.ID,
		Name:     m.Name,
		Route:    r.Route,
		Learned:  r.Learned,
		Domain:   m.Domain,
		Redirect: m.Redirect,
		Distance: uint16(min(max(m.Distance, 0), 0xffff)),
		Role:     roles[m.Role],
		Take:     r.Take,
		Target:   target(m.URL, c.Secret),
		Live:     live.member(r.ID, c.Name, m),
	}
	if !m.HTTP.IsZero() {
		t := target(m.HTTP, "")
		out.Upgrade = &t
	}
	return out
}

func target(a config.Address, secret string) table.Target {
	t := table.Target{Scheme: schemes[a.Scheme], Addr: a.HostPort(), Host: a.HostPort()}
	if t.Scheme == table.AJP {
		t.Secret = secret
	}
	return t
}

// The words of the language and their values in the table. Each map's zero
// value is the default of the language as well.
var (
	policies = map[string]table.Policy{
		config.LeastBusy: table.LeastBusy, config.RoundRobin: table.RoundRobin,
		config.LeastTraffic: table.LeastTraffic, config.FewestSessions: table.FewestSessions,
		config.Hash: table.Hash,
	}
	roles = map[string]table.Role{
		config.RoleNormal: table.Normal, config.RoleSpare: table.Spare, config.RoleStandby: table.Standby,
	}
	forwarded = map[string]table.Forwarded{
		config.ForwardedReplace: table.Replace, config.ForwardedAppend: table.Append, config.ForwardedOff: table.Keep,
	}
	schemes = map[string]table.Scheme{"ajp": table.AJP, "http": table.HTTP, "https": table.HTTPS}
)

// packetSize keeps to what Tomcat's packetSize can be; 64KiB as people write
// it is one byte more than the AJP length field holds with its head, which
// ajp counts for itself.
func packetSize(n int64) int { return int(min(max(n, 8192), 65536)) }

// tripFor is how long the data path avoids a member by itself: one interval of
// probes, so that a probe has looked at it when it is used again.
func tripFor(every time.Duration) time.Duration {
	return min(max(every, time.Second), 10*time.Second)
}

// scale is what all weights of a pool are multiplied by. While a member starts
// slowly or has few threads free its share is a tenth and more of its weight, and weights are whole
// numbers; the relation of the others stays as it was.
func scale(r *PoolReport) int {
	for i := range r.Members {
		if r.Members[i].Share < 100 {
			return 10
		}
	}
	return 1
}

func weight(whole, share, scale int) uint32 {
	w := max(whole, 1) * scale
	if share < 100 {
		w = w * share / 100
	}
	return uint32(max(w, 1))
}
