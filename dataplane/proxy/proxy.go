package proxy

import (
	"sync"
	"sync/atomic"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/access"
	"github.com/catherd/catherd/dataplane/table"
	"github.com/catherd/catherd/dataplane/upstream"
	"github.com/catherd/catherd/dataplane/wire"
)

// View is a table with what was made for it: read once per request.
type View struct {
	*table.Table
	pools  []*upstream.Pool // by Member.Ord
	blocks [][]byte         // AJP attributes that never change, by Member.Ord
}

// Proxy answers requests by the table published last.
type Proxy struct {
	wd    *wire.Watchdog
	pools *upstream.Pools
	view  atomic.Pointer[View]
	log   atomic.Pointer[access.Ring] // nil: no access log

	// Draining makes every answer close its connection.
	Draining atomic.Bool

	tunnels tunnels
	idle    sync.Pool // of *Exchange
}

// New makes a proxy without a table: it answers 503 until one is published.
func New(wd *wire.Watchdog, pools *upstream.Pools) *Proxy {
	p := &Proxy{wd: wd, pools: pools}
	p.tunnels.open = make(map[*tunnel]struct{})
	p.idle.New = func() any { return newExchange(p) }
	p.view.Store(&View{Table: &table.Table{}})
	return p
}

// Publish makes t the table of every request that starts from now on. t must
// be sealed and is not changed any more.
func (p *Proxy) Publish(t *table.Table) {
	v := &View{Table: t, pools: p.pools.Apply(t), blocks: make([][]byte, t.Members)}
	for _, pool := range t.Pools {
		for i := range pool.Members {
			m := &pool.Members[i]
			if m.Target.Scheme == table.AJP {
				v.blocks[m.Ord] = memberAttributes(m)
			}
		}
	}
	p.view.Store(v)
}

// Table is the table published last.
func (p *Proxy) Table() *table.Table { return p.view.Load().Table }

// SetAccessLog makes finished requests leave records in r; nil ends that.
func (p *Proxy) SetAccessLog(r *access.Ring) { p.log.Store(r) }

// CloseTunnels breaks every upgraded connection.
func (p *Proxy) CloseTunnels() { p.tunnels.closeAll() }

// memberAttributes is the part of a request's attributes that depends on the
// member alone. JK_LB_ACTIVATION is what Tomcat's LoadBalancerDrainingValve
// reads (names and values as mod_jk sends them).
func memberAttributes(m *table.Member) []byte {
	var b []byte
	if m.Target.Secret != "" {
		b = ajp.AppendAttr(b, ajp.AttrSecret, []byte(m.Target.Secret))
	}
	if m.Route != "" {
		b = ajp.AppendAttr(b, ajp.AttrRoute, []byte(m.Route))
	}
	activation := "ACT"
	switch m.Take {
	case table.OnlySessions:
		activation = "DIS"
	case table.Nothing:
		activation = "STP"
	case table.Everything:
	}
	return ajp.AppendReqAttr(b, "JK_LB_ACTIVATION", []byte(activation))
}
