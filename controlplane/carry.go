package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/guard"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/learned"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/dataplane/table"
)

// Carry is what a process knows and passes on to the one that takes over from it. It
// goes as JSON; the two may be different versions of the program, so what is missing is
// found out anew, and what is not known is skipped.
type Carry struct {
	Overrides json.RawMessage             `json:"overrides"`         // as in the file of package overrides
	Learned   json.RawMessage             `json:"learned,omitempty"` // as in the file of package learned
	Guard     json.RawMessage             `json:"guard,omitempty"`   // as in the file of package guard
	Health    map[table.ID]health.Carried `json:"health,omitempty"`
	// Usable are the members in use, by pool. Who takes over must reach them, too.
	Usable       map[string][]table.ID `json:"usable,omitempty"`
	TableVersion uint64                `json:"table_version"`
}

// busyUpgrading is the answer to whoever wants a change meanwhile: it would be lost.
func busyUpgrading() error {
	return &admin.Refusal{Status: http.StatusConflict, What: "an upgrade is under way", Cure: "ask again in a moment"}
}

// HandOver gives what another process needs to take over, and freezes what it was
// given: until Thaw no operator changes anything, the configuration is not read again
// and the file of overrides is not written. A *admin.Refusal says that it is frozen
// already.
func (c *Controller) HandOver(ctx context.Context) (k Carry, err error) {
	e := c.do(ctx, func() {
		if c.frozen {
			err = busyUpgrading()
			return
		}
		c.frozen = true
		c.settled()
		k = c.carry()
	})
	if e != nil {
		return k, e
	}
	return k, err
}

func (c *Controller) carry() Carry {
	k := Carry{
		Overrides: overrides.Append(nil, c.overrides), TableVersion: c.table.Version,
		Learned: c.learned.Append(nil), Guard: guard.Append(nil, c.guard.Kept()), Health: map[table.ID]health.Carried{}, Usable: map[string][]table.ID{},
	}
	for id, v := range c.runner.Verdicts() {
		k.Health[id] = v.Carry()
	}
	c.report.Each(func(m *compile.MemberReport) {
		if m.State == compile.Ready || m.State == compile.Shaky {
			k.Usable[m.Pool] = append(k.Usable[m.Pool], m.ID)
		}
	})
	return k
}

// Thaw ends what HandOver, or a start with a Carry, has begun: this process decides
// (again).
func (c *Controller) Thaw(ctx context.Context) error {
	return c.do(ctx, func() {
		if !c.frozen {
			return
		}
		c.frozen = false
		if err := c.save(); err != nil {
			c.tell(slog.LevelError, admin.Event{Kind: admin.Trouble, Text: err.Error()})
		}
		c.unsaved = true
		c.persist()
	})
}

// resume takes what another process has passed on, before the first table is built.
func (c *Controller) resume(k *Carry) error {
	list, err := overrides.Parse(k.Overrides)
	if err != nil {
		return fmt.Errorf("take overrides from the process before: %v", err)
	}
	c.overrides, _ = overrides.Expire(list, time.Now())
	if r, err := learned.Parse(k.Learned); err == nil {
		c.learned = r
	} // else they are learned again
	c.runner.Carry(k.Health)
	c.frozen = true
	return nil
}

// Fit reports how far this process is in reaching the members that the process before
// had in use. done: each of them has been asked. lacks names a pool of which none has
// answered; "" when there is no such pool.
func (c *Controller) Fit() (done bool, lacks string) {
	k := c.o.Carry
	if k == nil {
		return true, ""
	}
	cfg, verdicts := c.view.Load().cfg, c.runner.Verdicts()
	done = true
	for name, ids := range k.Usable {
		p := cfg.Pool(name)
		if p == nil || len(ids) == 0 {
			continue // the file has it no longer
		}
		answered := false
		mine := map[table.ID]bool{}
		for i := range p.Members {
			id := compile.ID(name, &p.Members[i])
			v := verdicts[id]
			mine[id] = true
			answered = answered || v.OK && !v.At.Before(c.started)
		}
		for _, id := range ids {
			if mine[id] || p.Discover.On {
				v, ok := verdicts[id]
				done = done && ok && !v.At.Before(c.started)
			}
		}
		if !answered && stillUsed(p, ids, mine) {
			lacks = name
		}
	}
	return done, lacks
}

// stillUsed reports whether one of the members that were in use may be found in the
// pool as the file has it now.
func stillUsed(p *config.Pool, ids []table.ID, mine map[table.ID]bool) bool {
	for _, id := range ids {
		if mine[id] {
			return true
		}
	}
	return p.Discover.On
}

// Upgraded tells what came of an upgrade that owner asked for. why is empty when
// another process serves now.
func (c *Controller) Upgraded(owner, text, why string) {
	if why != "" {
		c.tell(slog.LevelError, admin.Event{Kind: admin.UpgradeRefused, Owner: owner, Text: why})
		return
	}
	c.guard.Close() // the other one has its own, and the word of operators
	c.tell(slog.LevelInfo, admin.Event{Kind: admin.Upgraded, Owner: owner, Text: text})
}
