package overrides

import (
	"slices"
	"testing"
	"time"
)

var t0 = time.Date(2026, 3, 1, 14, 2, 0, 0, time.UTC)

func wish(member string, s State, dur time.Duration) Override {
	o := Override{Pool: "app", Member: member, State: s, Owner: "root", Since: t0}
	if dur > 0 {
		o.Until = t0.Add(dur)
	}
	return o
}

func heavy(member string, n int, dur time.Duration) Override {
	o := wish(member, "", dur)
	o.Weight = n
	return o
}

// A weight is set, changed and taken back beside a state.
func TestPutWeight(t *testing.T) {
	f := func(list []Override, o Override, file int, want ...string) {
		t.Helper()
		var words []string
		for _, x := range PutWeight(list, o, file) {
			words = append(words, x.Member+" "+x.String())
		}
		if !slices.Equal(words, want) {
			t.Errorf("got %q, want %q", words, want)
		}
	}
	f(nil, heavy("a", 3, 30*time.Minute), 1, "a weight 3 until 14:32 (root)")
	f(nil, heavy("a", 1, 0), 1)
	f([]Override{wish("a", Drain, 0)}, heavy("a", 3, 0), 1, "a drain (root)", "a weight 3 (root)")
	f([]Override{wish("a", Drain, 0), heavy("a", 3, 0)}, heavy("a", 5, 0), 1, "a drain (root)", "a weight 5 (root)")
	f([]Override{wish("a", Drain, 0), heavy("a", 3, 0), heavy("b", 2, 0)}, heavy("a", 1, 0), 1, "a drain (root)", "b weight 2 (root)")

	// A state leaves the weight alone.
	list := []Override{wish("a", Drain, 0), heavy("a", 3, 0)}
	if got := Put(list, wish("a", Ready, 0), Ready); len(got) != 1 || got[0].Kind() != "weight" {
		t.Errorf("after ready: %v", got)
	}
	if o, ok := Find(list, "app", "a", t0); !ok || o.Kind() != "drain" {
		t.Errorf("state %v, %v", o, ok)
	}
	if o, ok := FindWeight(list, "app", "a", t0); !ok || o.Weight != 3 {
		t.Errorf("weight %v, %v", o, ok)
	}
	if _, ok := FindWeight(list[:1], "app", "a", t0); ok {
		t.Error("a state was taken for a weight")
	}
	if _, ok := FindWeight([]Override{heavy("a", 3, time.Minute)}, "app", "a", t0.Add(time.Minute)); ok {
		t.Error("a weight is found at its very end")
	}
}

func TestCheckWeight(t *testing.T) {
	for _, n := range []int{1, 10000} {
		if err := CheckWeight(n); err != nil {
			t.Error(err)
		}
	}
	for _, n := range []int{-1, 0, 10001} {
		if CheckWeight(n) == nil {
			t.Errorf("%d was accepted", n)
		}
	}
}

func TestPut(t *testing.T) {
	f := func(list []Override, o Override, file State, want ...string) {
		t.Helper()
		before := slices.Clone(list)
		got := Put(list, o, file)
		var words []string
		for _, x := range got {
			words = append(words, x.Member+" "+x.String())
		}
		if !slices.Equal(words, want) {
			t.Errorf("got %q, want %q", words, want)
		}
		if !slices.Equal(before, list) {
			t.Errorf("the list given was changed: %v", list)
		}
	}
	f(nil, wish("a", Drain, 0), Ready, "a drain (root)")
	f(nil, wish("a", Ready, 0), Ready)
	f(nil, wish("a", Ready, 0), Stop, "a ready (root)")
	f([]Override{wish("a", Drain, 0)}, wish("a", Stop, 30*time.Minute), Ready, "a stop until 14:32 (root)")
	f([]Override{wish("a", Drain, 0), wish("b", Stop, 0)}, wish("a", Ready, 0), Ready, "b stop (root)")
	f([]Override{wish("b", Stop, 0)}, wish("a", Drain, 0), Ready, "a drain (root)", "b stop (root)")
	other := wish("a", Drain, 0)
	other.Pool = "shop"
	f([]Override{other}, wish("a", Stop, 0), Ready, "a stop (root)", "a drain (root)")
}

func TestExpire(t *testing.T) {
	list := []Override{wish("a", Drain, time.Minute), wish("b", Stop, 0), wish("c", Drain, time.Hour)}
	if at := NextExpiry(list); !at.Equal(t0.Add(time.Minute)) {
		t.Errorf("next expiry %v", at)
	}
	kept, gone := Expire(list, t0.Add(time.Minute))
	if len(kept) != 2 || len(gone) != 1 || gone[0].Member != "a" {
		t.Errorf("kept %v, gone %v", kept, gone)
	}
	if _, ok := Find(list, "app", "a", t0.Add(time.Minute-1)); !ok {
		t.Error("a is gone before its time")
	}
	if _, ok := Find(list, "app", "a", t0.Add(time.Minute)); ok {
		t.Error("a is found at its very end")
	}
	if at := NextExpiry([]Override{wish("b", Stop, 0)}); !at.IsZero() {
		t.Errorf("an endless override ends at %v", at)
	}
}

func TestString(t *testing.T) {
	f := func(o Override, want string) {
		t.Helper()
		if got := o.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	o := wish("a", Drain, 30*time.Minute)
	o.Reason = "deploy 4.2"
	f(o, "drain until 14:32 (root, deploy 4.2)")
	f(wish("a", Stop, 48*time.Hour), "stop until 2026-03-03 14:02 (root)")
	f(wish("a", Stop, 0), "stop (root)")
}

func TestParseState(t *testing.T) {
	for _, s := range []string{"ready", "drain", "stop"} {
		if got, err := ParseState(s); err != nil || string(got) != s {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "Ready", "down", "ready "} {
		if _, err := ParseState(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}

// What was asked follows a member to its new name, all at once.
func TestRename(t *testing.T) {
	f := func(list []Override, to map[Member]string, want ...string) {
		t.Helper()
		before := slices.Clone(list)
		var words []string
		for _, x := range Rename(list, to) {
			words = append(words, x.Pool+"/"+x.Member+" "+x.String())
		}
		if !slices.Equal(words, want) || !slices.Equal(list, before) {
			t.Errorf("got %q, want %q", words, want)
		}
	}
	a := map[Member]string{{"app", "a"}: "c"}
	f(nil, a)
	f([]Override{wish("a", Drain, 0), heavy("a", 3, 0), wish("b", Stop, 0)}, a,
		"app/b stop (root)", "app/c drain (root)", "app/c weight 3 (root)")
	// Another pool has members of the same names.
	f([]Override{{Pool: "shop", Member: "a", State: Drain, Owner: "root"}}, a, "shop/a drain (root)")
	// What is asked of c was about somebody else, as far as it is the same.
	f([]Override{wish("a", Drain, 0), wish("c", Stop, 0), heavy("c", 2, 0)}, a,
		"app/c drain (root)", "app/c weight 2 (root)")
	f([]Override{wish("a", Drain, 0), wish("b", Stop, 0)}, map[Member]string{{"app", "a"}: "b", {"app", "b"}: "a"},
		"app/a stop (root)", "app/b drain (root)")
}
