package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/bpf"
	"github.com/catherd/catherd/bpf/guard"
)

// pretend is a kernel that remembers.
type pretend struct {
	rules  guard.Rules
	at     map[int]guard.Mode
	counts []guard.Count
	closed bool
	w      *world
}

func (p *pretend) Set(r guard.Rules) error {
	if p.w.bad != nil {
		return p.w.bad
	}
	p.rules = r
	return nil
}
func (p *pretend) Attach(index int, mode guard.Mode) (guard.Mode, error) {
	if slices.Contains(p.w.refuses, mode) {
		return mode, fmt.Errorf("attach: %w", bpf.ErrUnsupported)
	}
	if mode == guard.Auto {
		mode = guard.Native
	}
	p.at[index] = mode
	return mode, nil
}
func (p *pretend) Detach(index int) error       { delete(p.at, index); return nil }
func (p *pretend) Attached() map[int]guard.Mode { return p.at }
func (p *pretend) Counts() guard.Counts         { return guard.Counts{DryRun: p.rules.DryRun, Rules: p.counts} }
func (p *pretend) Close() error                 { p.closed = true; return nil }

// world is a host with a clock.
type world struct {
	now        time.Time
	bad        error // what the kernel says of new rules
	refuses    []guard.Mode
	interfaces []Interface
	program    *pretend
	told       []string
	path       string
}

func newWorld() *world {
	return &world{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), interfaces: []Interface{
		{Index: 1, Name: "lo", Loopback: true, Addrs: addrs("127.0.0.1", "::1")},
		{Index: 2, Name: "eth0", Addrs: addrs("10.0.0.1", "2001:db8::1")},
		{Index: 3, Name: "eth1", Addrs: addrs("192.168.0.1")},
		{Index: 4, Name: "cable"},
	}}
}

func (w *world) keeper(t *testing.T) *Keeper {
	k := New(Options{
		Load: func(r guard.Rules) (Program, error) {
			if w.bad != nil {
				return nil, w.bad
			}
			w.program = &pretend{rules: r, at: map[int]guard.Mode{}, w: w}
			return w.program, nil
		},
		Interfaces: func() ([]Interface, error) { return w.interfaces, nil },
		GroupOn: func(name string, _ netip.AddrPort) (int, error) {
			for _, x := range w.interfaces {
				if x.Name == name {
					return x.Index, nil
				}
			}
			return 0, errors.New("no such interface")
		},
		Tell: func(e Event) { w.told = append(w.told, strings.TrimSpace(e.Owner+" "+e.Text)) },
		Now:  func() time.Time { return w.now },
		Path: w.path,
	})
	t.Cleanup(k.Close)
	return k
}

// news are what was told since the last call.
func (w *world) news() []string {
	out := w.told
	w.told = nil
	return out
}

func addrs(text ...string) (out []netip.Addr) {
	for _, s := range text {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func prefixes(text ...string) (out []netip.Prefix) {
	for _, s := range text {
		p, err := ParsePrefix(s)
		if err != nil {
			panic(err)
		}
		out = append(out, p)
	}
	return out
}

var web = []Door{{Port: 80}, {Addr: netip.MustParseAddr("127.0.0.1"), Port: 8404}}

func set(t *testing.T, k *Keeper, w Wish) {
	t.Helper()
	if err := k.Set(w); err != nil {
		t.Fatal(err)
	}
}

func change(t *testing.T, k *Keeper, verb Verb, prefix string, more ...func(*Change)) Result {
	t.Helper()
	c := Change{Verb: verb, Owner: "ops"}
	if prefix != "" {
		c.Prefix = prefixes(prefix)[0]
	}
	for _, f := range more {
		f(&c)
	}
	r, err := k.Change(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNothingToDo(t *testing.T) {
	w := newWorld()
	k := w.keeper(t)
	set(t, k, Wish{Serve: web, Auto: true, Allow: prefixes("10.0.0.0/8")})
	if s := k.Status(); s.State != Unused || w.program != nil {
		t.Errorf("%+v", s)
	}
	set(t, k, Wish{Serve: web, Auto: true, Deny: prefixes("10.0.0.0/8"), Off: "kernel.guard: never"})
	if s := k.Status(); s.State != Off || s.Why != "kernel.guard: never" || w.program != nil {
		t.Errorf("%+v", s)
	}
	if _, err := k.Change(Change{Verb: AddDeny, Prefix: prefixes("10.0.0.0/8")[0]}); err == nil {
		t.Error("a guard that is off denies")
	}
}

// Where the guard is: for connections on what carries the listeners' addresses, in the
// driver; for groups where they are joined, by tcx.
func TestPlaces(t *testing.T) {
	group := []Group{{At: netip.MustParseAddrPort("228.0.0.4:45564"), Interface: "eth1"}}
	deny := prefixes("198.51.100.0/24")
	for _, c := range []struct {
		name string
		wish Wish
		want map[int]guard.Mode
	}{
		{"group", Wish{Groups: group, Serve: web, Auto: true}, map[int]guard.Mode{3: guard.TCX}},
		{"all addresses", Wish{Deny: deny, Serve: web[:1], Auto: true}, map[int]guard.Mode{2: guard.Native, 3: guard.Native}},
		{"with loopback", Wish{Deny: deny, Serve: web, Auto: true}, map[int]guard.Mode{1: guard.Native, 2: guard.Native, 3: guard.Native}},
		{"one address", Wish{Deny: deny, Serve: []Door{{Addr: netip.MustParseAddr("2001:db8::1"), Port: 80}}, Auto: true, Groups: group},
			map[int]guard.Mode{2: guard.Native, 3: guard.TCX}},
		{"by name", Wish{NewConnections: guard.Rate{PerSecond: 9}, Serve: web, Interfaces: []string{"cable", "nowhere"}},
			map[int]guard.Mode{4: guard.Native}},
	} {
		w := newWorld()
		k := w.keeper(t)
		set(t, k, c.wish)
		if !reflect.DeepEqual(w.program.at, c.want) {
			t.Errorf("%s: %v, want %v", c.name, w.program.at, c.want)
		}
		if wantServe := c.name != "group"; (len(w.program.rules.Serve) > 0) != wantServe {
			t.Errorf("%s: served: %v", c.name, w.program.rules.Serve)
		}
	}
}

// Without tcx a group is worth the driver's own way, and not copies of every packet.
func TestGroupWithoutTCX(t *testing.T) {
	w := newWorld()
	w.refuses = []guard.Mode{guard.TCX}
	wish := Wish{Groups: []Group{{At: netip.MustParseAddrPort("228.0.0.4:45564"), Interface: "eth1"}}}
	k := w.keeper(t)
	set(t, k, wish)
	if w.program.at[3] != guard.Native {
		t.Errorf("%v", w.program.at)
	}
	w = newWorld()
	w.refuses = []guard.Mode{guard.TCX, guard.Native}
	k = w.keeper(t)
	set(t, k, wish)
	k.tick()
	if s := k.Status(); len(w.program.at) != 0 || len(s.Interfaces) != 1 || s.Interfaces[0].Problem == "" {
		t.Errorf("%v %+v", w.program.at, s)
	}
	if told := w.news(); len(told) != 1 || !strings.Contains(told[0], "eth1 is not guarded") || !strings.Contains(told[0], "Linux 5.12") {
		t.Errorf("told: %q", told)
	}
	wish.Require = true
	if err := k.Set(wish); err == nil {
		t.Error("it is required and not there")
	}
}

func TestRefusedByTheKernel(t *testing.T) {
	w := newWorld()
	w.bad = fmt.Errorf("load the guard: %w", bpf.ErrPermission)
	wish := Wish{Deny: prefixes("198.51.100.0/24"), Serve: web, Auto: true}
	k := w.keeper(t)
	set(t, k, wish)
	set(t, k, wish)
	k.tick()
	if s := k.Status(); s.State != Missing || !strings.Contains(s.Why, "not permitted") || !strings.Contains(s.Cure, "CAP_BPF") {
		t.Errorf("%+v", s)
	}
	if told := w.news(); len(told) != 1 {
		t.Errorf("told %d times: %q", len(told), told)
	}
	wish.Require = true
	if err := k.Set(wish); !errors.Is(err, bpf.ErrPermission) {
		t.Errorf("required: %v", err)
	}
	if _, err := k.Change(Change{Verb: AddDeny, Prefix: prefixes("192.0.2.1")[0]}); err == nil || len(k.list) != 0 {
		t.Errorf("a change that the kernel refuses: %v, %v", err, k.list)
	}
	w.bad = nil
	set(t, k, wish)
	if s := k.Status(); s.State != AtWork || s.Why != "" {
		t.Errorf("%+v", s)
	}
	// New rules that cannot be leave the old ones at work.
	w.bad = errors.New("no room")
	old := w.program.rules
	wish.Require, wish.Deny = false, prefixes("203.0.113.0/24")
	set(t, k, wish)
	if s := k.Status(); s.State != AtWork || s.Why != "no room" || !reflect.DeepEqual(w.program.rules, old) {
		t.Errorf("%+v %+v", s, w.program.rules)
	}
}

func TestChanges(t *testing.T) {
	w := newWorld()
	w.path = filepath.Join(t.TempDir(), "guard.json")
	k := w.keeper(t)
	set(t, k, Wish{Deny: prefixes("198.51.100.0/24"), Allow: prefixes("10.9.0.0/16"), Always: prefixes("127.0.0.1"), Serve: web, Auto: true})
	w.news()
	r := change(t, k, AddDeny, "192.0.2.7", func(c *Change) { c.For, c.Reason = 10*time.Minute, "scanner" })
	if r.Done != "deny 192.0.2.7/32 until 12:10:00 (ops, scanner)" || !r.ConfirmBy.IsZero() || r.Warning != "" {
		t.Errorf("%+v", r)
	}
	change(t, k, AddAllow, "198.51.100.9")
	if got := w.program.rules; !slices.Equal(got.Deny, prefixes("198.51.100.0/24", "192.0.2.7")) ||
		!slices.Equal(got.Allow, prefixes("10.9.0.0/16", "127.0.0.1", "198.51.100.9")) {
		t.Errorf("%v %v", got.Deny, got.Allow)
	}
	if r := change(t, k, AddDeny, "10.9.1.0/24"); !strings.Contains(r.Warning, "10.9.0.0/16 is allowed") {
		t.Errorf("%+v", r)
	}
	change(t, k, Remove, "10.9.1.0/24")
	for _, c := range []struct{ prefix, what string }{
		{"198.51.100.0/24", "guard.deny of the file"}, {"127.0.0.1", "admin.allow of the file"}, {"1.2.3.4", "no operator made a rule"},
	} {
		_, err := k.Change(Change{Verb: Remove, Prefix: prefixes(c.prefix)[0]})
		if bad := (*Refusal)(nil); !errors.As(err, &bad) || !bad.Missing || !strings.Contains(bad.What, c.what) || bad.Cure == "" {
			t.Errorf("remove %s: %v", c.prefix, err)
		}
	}
	// Another process has the same rules, until their time is up.
	k.Close()
	w.now = w.now.Add(9 * time.Minute)
	k = w.keeper(t)
	set(t, k, Wish{Serve: web, Auto: true})
	if got := w.program.rules; !slices.Equal(got.Deny, prefixes("192.0.2.7")) {
		t.Errorf("after a restart: %v", got.Deny)
	}
	w.news()
	w.now = w.now.Add(time.Minute)
	k.tick()
	if s := k.Status(); s.State != Unused || len(s.Rules) != 1 || s.Rules[0].Owner != "ops" {
		t.Errorf("%+v", s)
	}
	if told := w.news(); len(told) != 1 || !strings.HasPrefix(told[0], "ops over: deny 192.0.2.7/32") {
		t.Errorf("told: %q", told)
	}
}

// A change that shuts an operator or everybody out is taken back unless he confirms it.
func TestConfirmation(t *testing.T) {
	from := func(a string) func(*Change) { return func(c *Change) { c.From = netip.MustParseAddr(a) } }
	w := newWorld()
	w.path = filepath.Join(t.TempDir(), "guard.json")
	k := w.keeper(t)
	set(t, k, Wish{Deny: prefixes("198.51.100.0/24"), Always: prefixes("127.0.0.1", "10.1.1.1"), Serve: web, Auto: true})
	change(t, k, AddAllow, "198.51.100.9")
	quiet := []Result{
		change(t, k, AddDeny, "10.1.0.0/16", from("10.1.1.1")), // always passes
		change(t, k, AddDeny, "10.1.0.0/17", from("10.2.1.1")),
		change(t, k, AddDeny, "203.0.113.0/24", from("198.51.100.1")), // is shut out already
		change(t, k, AddDeny, "128.0.0.0/1"),
	}
	for i, r := range quiet {
		if !r.ConfirmBy.IsZero() || r.Danger != "" {
			t.Errorf("%d: %+v", i, r)
		}
	}
	kept := slices.Clone(w.program.rules.Deny)

	r := change(t, k, AddDeny, "0.0.0.0/1")
	if !strings.Contains(r.Danger, "every IPv4 address") || r.ConfirmBy != w.now.Add(ConfirmTime) {
		t.Errorf("everybody: %+v", r)
	}
	r = change(t, k, AddDeny, "10.3.0.0/16", from("::ffff:10.3.0.9"))
	if !r.ConfirmBy.Equal(w.now.Add(ConfirmTime)) {
		t.Errorf("with one that waits: %+v", r)
	}
	if list, err := Load(w.path); err != nil || find(list, prefixes("0.0.0.0/1")[0]) != nil {
		t.Errorf("kept before it is confirmed: %v %v", list, err)
	}
	w.now = w.now.Add(ConfirmTime - time.Second)
	k.tick()
	if k.Status().Confirm == nil {
		t.Error("taken back too early")
	}
	w.news()
	w.now = w.now.Add(time.Second)
	k.tick()
	if !slices.Equal(w.program.rules.Deny, kept) || k.Status().Confirm != nil {
		t.Errorf("not taken back: %v", w.program.rules.Deny)
	}
	if told := w.news(); len(told) == 0 || !strings.Contains(told[0], "taken back, because nobody confirmed it: it denies every IPv4 address") {
		t.Errorf("told: %q", told)
	}
	if _, err := k.Change(Change{Verb: Confirm}); err == nil {
		t.Error("nothing waits, and it is confirmed")
	}

	if r = change(t, k, Remove, "198.51.100.9", from("198.51.100.9")); !strings.Contains(r.Danger, "drops 198.51.100.9") {
		t.Errorf("an own way in is removed: %+v", r)
	}
	w.now = w.now.Add(ConfirmTime)
	k.tick()
	if !slices.Contains(w.program.rules.Allow, prefixes("198.51.100.9")[0]) {
		t.Error("the way in is not there again")
	}
	if r = change(t, k, AddDeny, "::/0", func(c *Change) { c.ConfirmWithin = time.Minute }); r.ConfirmBy != w.now.Add(time.Minute) {
		t.Errorf("%+v", r)
	}
	change(t, k, Confirm, "")
	w.now = w.now.Add(time.Hour)
	k.tick()
	if !slices.Contains(w.program.rules.Deny, prefixes("::/0")[0]) {
		t.Error("confirmed and taken back")
	}
	if list, err := Load(w.path); err != nil || find(list, prefixes("::/0")[0]) == nil {
		t.Errorf("confirmed and not kept: %v %v", list, err)
	}
	// A dry run shuts nobody out.
	set(t, k, Wish{DryRun: true, Serve: web, Auto: true})
	if r = change(t, k, AddDeny, "0.0.0.0/0"); r.Danger != "" || !strings.Contains(r.Warning, "dry_run") {
		t.Errorf("%+v", r)
	}
}

func TestHits(t *testing.T) {
	w := newWorld()
	k := w.keeper(t)
	set(t, k, Wish{Deny: prefixes("198.51.100.0/24"), Serve: web, Auto: true})
	w.news()
	count := func(name string, n uint64, drops bool) {
		w.program.counts = append(w.program.counts, guard.Count{Name: name, Packets: n, Drops: drops})
	}
	count("connections", 5, false)
	count("deny 198.51.100.0/24", 1, true)
	k.tick()
	if told := w.news(); !slices.Equal(told, []string{"deny 198.51.100.0/24: 1 packet dropped"}) {
		t.Errorf("told: %q", told)
	}
	w.program.counts[1].Packets = 900
	w.now = w.now.Add(quiet - time.Second)
	k.tick()
	if told := w.news(); len(told) != 0 {
		t.Errorf("told too often: %q", told)
	}
	w.now = w.now.Add(time.Second)
	k.tick()
	if told := w.news(); !slices.Equal(told, []string{"deny 198.51.100.0/24: 899 packets dropped"}) {
		t.Errorf("told: %q", told)
	}
	for i := range 100 {
		count(fmt.Sprintf("deny 10.0.0.%d/32", i), 1, true)
	}
	k.tick()
	if told := w.news(); len(told) != tellings {
		t.Errorf("told at once: %d", len(told))
	}
	drops := k.Status().Drops
	if len(drops) != 101 || drops["deny 198.51.100.0/24"] != 900 || drops["deny, others"] != 1 {
		t.Errorf("%d drops: %v", len(drops), drops)
	}
}

// A file that cannot be understood neither stops the process nor holds, and stays.
func TestBadFile(t *testing.T) {
	w := newWorld()
	w.path = filepath.Join(t.TempDir(), "guard.json")
	if err := os.WriteFile(w.path, []byte(`{"version":2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	k := w.keeper(t)
	set(t, k, Wish{Serve: web, Auto: true})
	if told := w.news(); len(told) != 1 || !strings.Contains(told[0], "version 2 is not known") {
		t.Errorf("told: %q", told)
	}
	if data, err := os.ReadFile(w.path); err != nil || string(data) != `{"version":2}` {
		t.Errorf("%s %v", data, err)
	}
}

// Nobody waits for the start, and who only glances does not wait for a change.
func TestSoon(t *testing.T) {
	w := newWorld()
	k := w.keeper(t)
	k.SetSoon(Wish{Deny: prefixes("198.51.100.0/24"), Serve: web, Auto: true})
	if s := k.Glance(); s.State != Soon || w.program != nil {
		t.Errorf("%+v", s)
	}
	k.tick()
	if s := k.Glance(); s.State != AtWork || len(s.Interfaces) != 3 {
		t.Errorf("%+v", s)
	}
	k.mu.Lock()
	s := k.Glance()
	k.mu.Unlock()
	if s.State != AtWork || len(s.Interfaces) != 3 {
		t.Errorf("during a change: %+v", s)
	}
}
