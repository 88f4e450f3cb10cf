package controlplane

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/overrides"
)

func (w *world) reload(file string) admin.ReloadResult {
	w.t.Helper()
	w.set(func() { w.file = file })
	r, err := w.c.Reload(w.t.Context(), "root")
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func TestReloadApplies(t *testing.T) {
	play(t, two, nil, func(w *world) {
		_, seq := w.events(0)
		kept := w.member("a").Live
		changed := strings.Replace(two, "b: ajp://127.0.0.1:9009", "c: ajp://127.0.0.1:7009", 1)
		r := w.reload(strings.Replace(changed, "8080", "[8080, 8081]", 1))
		if !r.Applied || r.TableVersion != 2 || len(r.Changes) == 0 || r.What != "" {
			t.Errorf("result %+v", r)
		}
		w.expect(w.published(), "2 tables, version 2: a=all c=all")
		if w.member("a").Live != kept {
			t.Error("a stayed and lost its counters")
		}
		if len(w.listens) != 2 || len(w.listens[1]) != 2 || w.applied != 2 {
			t.Errorf("listens %v, applied %d", w.listens, w.applied)
		}
		w.settle()
		w.expectEvents(seq, "member added c", "member removed b", "reload applied", "member ready c")
		if v := w.c.runner.Verdicts(); len(v) != 2 {
			t.Errorf("watched: %v", v)
		}
		// The same file again: accepted, and nothing is new.
		r = w.reload(w.file)
		if !r.Applied || len(r.Changes) != 0 || r.TableVersion != 2 {
			t.Errorf("the same again: %+v", r)
		}
		w.expect(w.published(), "2 tables, version 2: a=all c=all")
	})
}

func TestBadReloadChangesNothing(t *testing.T) {
	play(t, two, nil, func(w *world) {
		_, seq := w.events(0)
		before := w.c.Status()
		r := w.reload(strings.Replace(two, "health", "helth", 1))
		if r.Applied || r.What == "" || r.Cure == "" || !r.Problems.HasErrors() || r.TableVersion != 1 || r.Digest != before.ConfigDigest {
			t.Errorf("result %+v", r)
		}
		w.expect(w.published(), "1 tables, version 1: a=all b=all")
		if len(w.listens) != 1 || w.applied != 1 {
			t.Errorf("listens %v, applied %d", w.listens, w.applied)
		}
		s := w.c.Status()
		if s.InSync || !strings.HasPrefix(s.OutOfSync, "catherd.yaml:5: unknown key") || !s.Attention || s.ConfigDigest != before.ConfigDigest {
			t.Errorf("status %+v", s)
		}
		w.expect(s.Sentence, "the file differs from what runs")
		if m := w.c.Metrics(); m.InSync || m.LastReloadOK || m.ReloadsRefused != 1 || m.ReloadsOK != 0 {
			t.Errorf("metrics %+v", m)
		}
		seq = w.expectEvents(seq, "reload refused")

		// A file that is good but cannot be carried out.
		w.set(func() { w.noListen = true })
		r = w.reload(strings.Replace(two, "8080", "8081", 1))
		if r.Applied || r.What != "open listeners: address taken" {
			t.Errorf("result %+v", r)
		}
		w.expect(w.published(), "1 tables, version 1: a=all b=all")
		seq = w.expectEvents(seq, "reload refused")

		// The old file again: what runs and the file agree once more.
		w.set(func() { w.noListen = false })
		if r = w.reload(two); !r.Applied || len(r.Changes) != 0 {
			t.Errorf("result %+v", r)
		}
		if s := w.c.Status(); !s.InSync || s.OutOfSync != "" || s.Sentence != "all well" {
			t.Errorf("status %+v", s)
		}
		w.expectEvents(seq, "reload applied")
	})
}

// An override goes with its member, at a reload and at a start.
func TestOverridesOfMembersThatAreGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overrides.json")
	keep := func(o *Options) { o.OverridesPath = path }
	play(t, two, keep, func(w *world) {
		for _, m := range []string{"a", "b"} {
			if _, err := w.c.SetMember(w.t.Context(), admin.Action{Pool: "app", Member: m, State: overrides.Drain, Owner: "root"}); err != nil {
				t.Fatal(err)
			}
		}
		_, seq := w.events(0)
		w.reload(strings.Replace(two, "      b: ajp://127.0.0.1:9009\n", "", 1))
		w.expectEvents(seq, "member removed b", "override ended b", "reload applied")
		if s := w.c.Status(); len(s.Overrides) != 1 || s.Overrides[0].Member != "a" {
			t.Errorf("overrides %v", s.Overrides)
		}
	})
	play(t, strings.Replace(two, "      a: ajp://127.0.0.1:8009\n", "", 1), keep, func(w *world) {
		w.expectEvents(0, "override ended a", "started", "member ready b")
		if kept, err := overrides.Load(path); err != nil || len(kept) != 0 {
			t.Errorf("kept %v, %v", kept, err)
		}
	})
}

func TestReloadWithoutAFile(t *testing.T) {
	play(t, two, func(o *Options) { o.Load = nil }, func(w *world) {
		var r *admin.Refusal
		if _, err := w.c.Reload(w.t.Context(), "root"); !errors.As(err, &r) || r.Status != 409 {
			t.Errorf("got %v", err)
		}
	})
}

// No secret reaches status, configuration, events or the log.
func TestSecretsStaySecret(t *testing.T) {
	file := strings.Replace(two, "    health:", "    secret: s3cret-word\n    health:", 1)
	play(t, file, nil, func(w *world) {
		r := w.reload(strings.Replace(file, "s3cret-word", "0ther-word", 1))
		if len(r.Changes) != 1 || r.Changes[0].New != "(another)" {
			t.Errorf("changes %v", r.Changes)
		}
		w.reload(strings.Replace(file, "listen", "lisen", 1))
		w.mu.Lock()
		text := w.log.String()
		w.mu.Unlock()
		text += string(w.c.Config())
		for _, e := range w.c.Events(0) {
			text += e.Text
		}
		if strings.Contains(text, "-word") {
			t.Error(text)
		}
		if !strings.Contains(text, "(set)") {
			t.Error("the configuration does not show that there is a secret")
		}
	})
}
