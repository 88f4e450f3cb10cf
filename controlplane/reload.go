package controlplane

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
)

// Reload implements admin.Controller; a signal handler calls it as well. It
// reads the file, and applies it as one new table when nothing is wrong with
// it. Otherwise nothing is changed, and status says that the file and what
// runs differ until a later reload finds the file good.
func (c *Controller) Reload(ctx context.Context, owner string) (admin.ReloadResult, error) {
	if c.o.Load == nil {
		return admin.ReloadResult{}, &admin.Refusal{Status: http.StatusConflict,
			What: "there is no configuration file to reload", Cure: "start with catherd run -c FILE"}
	}
	c.reloading.Lock()
	defer c.reloading.Unlock()
	begin := time.Now()
	// The file is read outside the loop: a slow disk must not hold up a
	// verdict about a member.
	cfg, problems := c.o.Load()
	good := cfg != nil && !problems.HasErrors()
	// The same goes for the guard, which the kernel examines for some tenths of a second.
	var unguarded error
	if good {
		unguarded = c.guard.Set(c.guardWish(cfg))
	}
	var result admin.ReloadResult
	var busy error
	err := c.do(ctx, func() {
		if c.frozen {
			busy = busyUpgrading()
			return
		}
		switch {
		case unguarded != nil:
			result = c.refused(owner, problems, "kernel.guard: require: "+unguarded.Error(), "write kernel.guard: auto")
		case !good:
			result = c.refused(owner, problems, fmt.Sprintf("%s is not valid, nothing was changed", c.o.ConfigPath),
				"catherd check "+c.o.ConfigPath+" shows each place and its cure")
		default:
			result = c.apply(owner, cfg, problems)
		}
		result.Took = time.Since(begin).Seconds()
	})
	if good && !result.Applied {
		_ = c.guard.Set(c.guardWish(c.view.Load().cfg)) // it was at work until now
	}
	if err == nil {
		err = busy
	}
	return result, err
}

// apply takes a valid configuration into use, or refuses it when it cannot be
// carried out.
func (c *Controller) apply(owner string, cfg *config.Config, problems config.Problems) admin.ReloadResult {
	digest := cfg.Digest()
	in, heard := c.resolve(cfg, time.Now())
	known := c.inputs(heard.Config, digest)
	known.Overrides, known.Moved = c.wishes(heard.Moves), origins(heard.Moves)
	t, report, err := compile.Build(known, c.table)
	if err != nil {
		return c.refused(owner, problems, err.Error(), "")
	}
	// The last step that can go wrong comes before the first that is seen.
	if err := c.o.Listeners.Listen(compile.Listeners(cfg)); err != nil {
		return c.refused(owner, problems, "open listeners: "+err.Error(), "free the address, or listen elsewhere")
	}
	changes := compile.Diff(c.file, cfg)
	c.file, c.cfg, c.digest = cfg, heard.Config, digest
	c.hear.result, c.hear.files = heard, in.Files
	c.follow(heard.Moves)
	c.sync.inSync, c.sync.why = true, ""
	c.sync.lastOK, c.sync.lastSuccess = true, time.Now()
	c.sync.ok++
	c.runner.Set(compile.Targets(c.cfg), c.gossip(time.Now())...)
	c.ears.Set(cfg)
	c.ears.Ask(cfg, heard.Candidates)
	c.heard() // groups that are named no more have been listened to until now
	c.hear.checked = time.Time{}
	c.take(t, report)
	c.overlook()
	c.prune()
	if c.o.Applied != nil {
		c.o.Applied(cfg)
	}
	c.tell(slog.LevelInfo, admin.Event{Kind: admin.ReloadApplied, Owner: owner,
		Text: fmt.Sprintf("config %s, %s", c.table.Digest, count(len(changes), "change"))},
		"version", c.table.Version, "config", c.table.Digest)
	return admin.ReloadResult{
		Applied: true, Path: c.o.ConfigPath, Digest: c.table.Digest, TableVersion: c.table.Version,
		Changes: changes, Problems: problems,
	}
}

// refused notes that the file and what runs differ.
func (c *Controller) refused(owner string, problems config.Problems, what, cure string) admin.ReloadResult {
	c.sync.inSync, c.sync.lastOK = false, false
	c.sync.refused++
	c.sync.why = what
	errors := 0
	for _, p := range problems {
		if p.Severity != config.Error {
			continue
		}
		if errors++; errors == 1 {
			c.sync.why = fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.What)
		}
	}
	if errors > 1 {
		c.sync.why += fmt.Sprintf(", and %d more", errors-1)
	}
	c.show()
	c.tell(slog.LevelError, admin.Event{Kind: admin.ReloadRefused, Owner: owner, Text: c.sync.why},
		"running", c.table.Digest)
	return admin.ReloadResult{
		Path: c.o.ConfigPath, Digest: c.table.Digest, TableVersion: c.table.Version,
		Changes: []compile.Change{}, Problems: problems, What: what, Cure: cure,
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
