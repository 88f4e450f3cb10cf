package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/catherd/catherd/bpf"
	"github.com/catherd/catherd/bpf/guard"
)

// Program is the guard in the kernel: a *guard.Guard of package bpf/guard.
type Program interface {
	Set(guard.Rules) error
	Attach(index int, mode guard.Mode) (guard.Mode, error)
	Detach(index int) error
	Attached() map[int]guard.Mode
	Counts() guard.Counts
	Close() error
}

// Event is something that happened to the guard.
type Event struct {
	Level slog.Level
	Owner string // who asked, "" for nobody
	Text  string
}

// Options makes a Keeper. The zero value is good for the system.
type Options struct {
	Load       func(guard.Rules) (Program, error)                   // nil: of package bpf/guard
	Interfaces func() ([]Interface, error)                          // nil: SystemInterfaces
	GroupOn    func(name string, group netip.AddrPort) (int, error) // nil: as package tribes joins
	Tell       func(Event)                                          // nil: nobody is told; must not call the Keeper
	Now        func() time.Time                                     // nil: time.Now
	// Path is the file in which operators' rules outlive the process; "" keeps them
	// in memory only.
	Path string
	// Kept reads the rules that an earlier process kept; nil: those in Path.
	Kept func() ([]Rule, error)
}

// look is how often Run looks at interfaces, ends of rules and counters.
const look = time.Second

// Keeper keeps the kernel's guard. Its methods may be called from any goroutine.
type Keeper struct {
	o    Options
	soon chan struct{}          // one place: "put the wish to work"
	last atomic.Pointer[Status] // for Glance

	mu      sync.Mutex // guards all below
	wish    Wish
	list    []Rule // of operators, the unconfirmed ones included
	pending *pending
	dirty   bool    // the wish was not put to work yet
	program Program // nil: nothing is loaded
	rules   guard.Rules
	since   time.Time // of program
	why     string    // nothing is loaded, or not what is wished for, and why
	cure    string
	names   map[int]string   // of guarded interfaces
	refused map[string]error // interfaces that could not be guarded, by name
	told    map[string]hit   // by name of a count
	closed  bool
}

// pending is what is taken back unless it is confirmed.
type pending struct {
	before []Rule
	until  time.Time
	owner  string
	why    string
}

// New returns a keeper that guards nothing yet. Operators' rules that were kept come
// with the first Set. A file that cannot be understood is told and left alone: it must
// not stop the process, and no rule of it holds. The caller closes the keeper.
func New(o Options) *Keeper {
	if o.Load == nil {
		o.Load = func(r guard.Rules) (Program, error) {
			g, err := guard.New(r)
			if err != nil {
				return nil, err
			}
			return g, nil
		}
	}
	o.Interfaces = orElse(o.Interfaces, SystemInterfaces)
	o.GroupOn = orElse(o.GroupOn, systemGroup)
	o.Tell = orElse(o.Tell, func(Event) {})
	o.Now = orElse(o.Now, time.Now)
	k := &Keeper{o: o, soon: make(chan struct{}, 1), names: map[int]string{}, refused: map[string]error{}, told: map[string]hit{}}
	if o.Kept == nil && o.Path != "" {
		o.Kept = func() ([]Rule, error) { return Load(o.Path) }
	}
	if o.Kept != nil {
		list, err := o.Kept()
		if err != nil {
			k.tell(slog.LevelError, "", err.Error()+": none of its rules holds")
		}
		k.list, _ = expire(list, o.Now())
	}
	return k
}

func orElse[F any](f, other F) F {
	if reflect.ValueOf(f).IsNil() {
		return other
	}
	return f
}

func (k *Keeper) tell(level slog.Level, owner, text string) {
	k.o.Tell(Event{Level: level, Owner: owner, Text: text})
}

// SetSoon has Run put what a configuration asks for to work. Loading takes the kernel some
// tenths of a second, for which nobody needs to wait.
func (k *Keeper) SetSoon(w Wish) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wish, k.dirty = w, true
	select {
	case k.soon <- struct{}{}:
	default:
	}
}

// Set puts what a configuration asks for to work before it returns. After an error, which
// only comes when the guard is required, everything is as it was. Otherwise a guard that
// cannot be is told, and the rules before stay at work.
func (k *Keeper) Set(w Wish) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil
	}
	old := k.wish
	k.wish = w
	err := k.apply()
	if err == nil || !w.Require {
		return nil
	}
	k.wish = old
	_ = k.apply() // it was at work a moment ago, and if it is not, it was not required
	return err
}

// apply puts the present wish and list to work as far as it can be.
func (k *Keeper) apply() error {
	k.dirty = false
	rules := k.wish.rules(k.list)
	if k.wish.Off != "" || !edge(&rules) && len(rules.Groups) == 0 {
		k.drop()
		k.why, k.cure = k.wish.Off, ""
		return nil
	}
	clear(k.refused) // tried again with every change
	err := k.load(rules)
	if err != nil {
		k.refuse(err)
		return err
	}
	k.why, k.cure = "", ""
	k.rules = rules
	return k.place()
}

// load brings the rules into the kernel.
func (k *Keeper) load(rules guard.Rules) error {
	switch {
	case k.program == nil:
		p, err := k.o.Load(rules)
		if err != nil {
			return err
		}
		k.program, k.since = p, k.o.Now()
	case !reflect.DeepEqual(rules, k.rules):
		return k.program.Set(rules)
	}
	return nil
}

// refuse notes why the kernel does not do what is wished for, and tells it once.
func (k *Keeper) refuse(err error) {
	again := k.why == err.Error()
	k.why, k.cure = err.Error(), cureOf(err)
	text := "guard off: "
	if k.program != nil {
		text = "guard unchanged: "
	}
	if !again {
		k.tell(slog.LevelWarn, "", text+k.why+"; "+k.cure)
	}
}

// cureOf says what to do about an error of the guard.
func cureOf(err error) string {
	switch {
	case errors.Is(err, bpf.ErrPermission):
		return "give the process CAP_BPF and CAP_NET_ADMIN, or write kernel.guard: never"
	case errors.Is(err, bpf.ErrUnsupported):
		return "it takes Linux 5.12 with eBPF, or write kernel.guard: never"
	}
	return "everything else works without it"
}

// drop takes the guard out of the kernel.
func (k *Keeper) drop() {
	if k.program != nil {
		if err := k.program.Close(); err != nil {
			k.tell(slog.LevelWarn, "", err.Error())
		}
	}
	k.program, k.since, k.rules = nil, time.Time{}, guard.Rules{}
	clear(k.names)
	clear(k.refused)
	clear(k.told)
}

// place has the guard on the interfaces where it belongs, and on no other. An error is
// told once; the first one is returned.
func (k *Keeper) place() (first error) {
	all, err := k.o.Interfaces()
	if err != nil {
		return err // what is attached stays so
	}
	want := k.places(all)
	for index := range k.program.Attached() {
		if !slices.ContainsFunc(want, func(p place) bool { return p.index == index }) {
			// It may be gone, and its links with it.
			_ = k.program.Detach(index)
			delete(k.names, index)
		}
	}
	at := k.program.Attached()
	for _, p := range want {
		if _, ok := at[p.index]; ok || k.refused[p.name] != nil {
			first = cmp.Or(first, k.refused[p.name])
			continue
		}
		mode, err := k.attach(p)
		if err != nil {
			k.refused[p.name] = err
			k.tell(slog.LevelWarn, "", fmt.Sprintf("%s is not guarded: %v; %s", p.name, err, cureOf(err)))
			first = cmp.Or(first, err)
			continue
		}
		k.names[p.index] = p.name
		k.tell(slog.LevelInfo, "", fmt.Sprintf("%s is guarded by %s", p.name, mode))
	}
	for name := range k.refused {
		if !slices.ContainsFunc(want, func(p place) bool { return p.name == name }) {
			delete(k.refused, name) // when it comes back it is another one
		}
	}
	return first
}

// attach puts the guard on one interface, in the cheapest way that does not disturb it
// more than its purpose is worth.
func (k *Keeper) attach(p place) (guard.Mode, error) {
	if p.edge {
		return k.program.Attach(p.index, guard.Auto)
	}
	mode, err := k.program.Attach(p.index, guard.TCX)
	if err == nil || errors.Is(err, bpf.ErrPermission) {
		return mode, err
	}
	// Generic XDP would copy every packet for the sake of one group.
	if mode, nerr := k.program.Attach(p.index, guard.Native); nerr == nil {
		return mode, nil
	}
	return mode, err
}

// places are the interfaces to guard.
func (k *Keeper) places(all []Interface) (want []place) {
	if edge(&k.rules) {
		want, _ = k.wish.edges(all)
	}
	for i := range k.wish.Groups {
		g := &k.wish.Groups[i]
		index, err := k.o.GroupOn(g.Interface, g.At)
		if err != nil {
			continue // tribes says so, and joins when it is there
		}
		n := slices.IndexFunc(all, func(x Interface) bool { return x.Index == index })
		if n < 0 || slices.ContainsFunc(want, func(p place) bool { return p.index == index }) {
			continue
		}
		want = append(want, place{index, all[n].Name, false})
	}
	slices.SortFunc(want, func(a, b place) int { return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(a.index, b.index)) })
	return want
}

// Run puts to work what SetSoon was given and looks after interfaces that come and go, ends
// of rules and what is dropped, until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	t := time.NewTicker(look)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.soon:
			k.tick()
		case <-t.C:
			k.tick()
		}
	}
}

// tick is one look.
func (k *Keeper) tick() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return
	}
	if k.dirty {
		_ = k.apply() // told
	}
	k.expire(k.o.Now())
	if k.program != nil {
		_ = k.place() // told
		k.hits(k.o.Now())
	}
	k.status()
}

// Close takes the guard out of the kernel.
func (k *Keeper) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop()
	k.closed = true
	k.status()
}
