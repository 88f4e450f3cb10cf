package controlplane

import (
	"time"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/learned"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/controlplane/tribes"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// view is what other goroutines may see of the controller. It is replaced as
// a whole and never changed, except for what the data path counts.
type view struct {
	cfg       *config.Config
	table     *table.Table
	report    compile.Report // at the time of the build
	overrides []overrides.Override
	learned   learned.Routes
	live      map[table.ID]*meter.Member
	pulses    map[table.ID]beat
	sync      syncState
	published time.Time
	heard     discover.Result // of cfg
	findings  []tribes.Finding
}

// syncState says how the file and what runs relate.
type syncState struct {
	inSync      bool
	why         string // "" when in sync
	lastOK      bool
	lastSuccess time.Time
	ok, refused uint64
}

// show makes the present state visible. The maps are copied, because the
// builder goes on changing its own.
func (c *Controller) show() {
	v := &view{
		cfg: c.cfg, table: c.table, report: c.report, overrides: c.overrides,
		learned: c.learned.Clone(),
		live:    map[table.ID]*meter.Member{},
		pulses:  make(map[table.ID]beat, len(c.pulses)),
		sync:    c.sync, published: c.published,
		heard: c.hear.result, findings: c.hear.findings,
	}
	for id, p := range c.pulses {
		v.pulses[id] = p.beat()
	}
	for _, p := range c.table.Pools {
		for i := range p.Members {
			v.live[p.Members[i].ID] = p.Members[i].Live
		}
	}
	c.view.Store(v)
}
