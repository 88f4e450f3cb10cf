package table

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/catherd/catherd/dataplane/meter"
)

// Tier is the members of one distance. The values are positions in
// Pool.Members, in their order.
type Tier struct {
	Distance uint16
	Normal   []int32
	Spare    []int32
}

// VirtualUnit bounds what one request costs a member of weight 1 in virtual
// time, see dataplane/balance. A pool's own unit is the largest multiple of all
// its weights below that, so that every Stride is exact and the units of two
// tables hardly differ. Weights without a common multiple below it (which no
// operator writes) are served with an error of less than one in a million.
const VirtualUnit = 1 << 38

// unit is the pool's own virtual unit.
func (p *Pool) unit() int64 {
	common := int64(1)
	for i := range p.Members {
		w := int64(p.Members[i].Weight)
		a, b := common, w
		for b != 0 {
			a, b = b, a%b
		}
		if w/a > VirtualUnit/common {
			return VirtualUnit
		}
		common *= w / a
	}
	return VirtualUnit / common * common
}

// Seal makes the table ready to be published: it checks what the data path
// relies on, numbers the members and builds the indexes. Call it once, before
// anybody else sees the table. The error names what is wrong; the table must
// then not be published.
func (t *Table) Seal() error {
	names := make(map[string]bool, len(t.Pools))
	ord := 0
	for _, p := range t.Pools {
		if names[p.Name] {
			return fmt.Errorf("seal table: two pools have the name %q", p.Name)
		}
		names[p.Name] = true
		if err := p.Seal(); err != nil {
			return err
		}
		for i := range p.Members {
			p.Members[i].Ord = ord
			ord++
		}
	}
	t.Members = ord
	t.index = index{exact: map[string]*paths{}, below: map[string]*paths{}}
	for i := range t.Routes {
		r := &t.Routes[i]
		if r.Pool == nil {
			return fmt.Errorf("seal table: the route %q of host %q has no pool", r.Pattern, r.Host)
		}
		if err := r.Pattern.check(); err != nil {
			return fmt.Errorf("seal table: route of pool %q: %v", r.Pool.Name, err)
		}
		for _, u := range r.Unmount {
			if err := u.check(); err != nil {
				return fmt.Errorf("seal table: unmount of pool %q: %v", r.Pool.Name, err)
			}
		}
		t.index.of(r.Host).add(r.Pattern, int32(i))
	}
	return nil
}

// of is the paths of a host as it is written in Route.Host; the star of the
// file's "*.example.org" may still be there.
func (x *index) of(host string) *paths {
	host = strings.TrimSuffix(strings.ToLower(strings.TrimPrefix(host, "*")), ".")
	if host == "" {
		if x.every == nil {
			x.every = newPaths()
		}
		return x.every
	}
	m := x.exact
	if host[0] == '.' {
		m = x.below
	}
	if m[host] == nil {
		m[host] = newPaths()
	}
	return m[host]
}

func newPaths() *paths {
	return &paths{
		exact:  map[string][]int32{},
		prefix: map[string][]int32{},
		suffix: map[string][]int32{},
	}
}

func (x *paths) add(p Pattern, route int32) {
	switch p.Kind {
	case Exact:
		x.exact[p.Literal] = append(x.exact[p.Literal], route)
	case Suffix:
		x.suffix[p.Literal] = append(x.suffix[p.Literal], route)
		x.longestSuffix = max(x.longestSuffix, len(p.Literal))
	default:
		key := trimPrefix(p.Literal)
		if key == "/" {
			key = ""
		}
		x.prefix[key] = append(x.prefix[key], route)
		x.longestPrefix = max(x.longestPrefix, len(key))
	}
}

// Seal checks and indexes one pool; Table.Seal calls it for each. A member or
// pool without Live gets an empty one.
func (p *Pool) Seal() error {
	if p.Live == nil {
		p.Live = new(meter.Pool)
	}
	names := make(map[string]bool, len(p.Members))
	p.route = make(map[string]int, len(p.Members))
	p.unlearned, p.minWeight, p.maxWeight = false, 0, 0
	for i := range p.Members {
		m := &p.Members[i]
		m.Ord = i
		if m.Live == nil {
			m.Live = new(meter.Member)
		}
		if names[m.Name] {
			return fmt.Errorf("seal pool %q: two members have the name %q", p.Name, m.Name)
		}
		names[m.Name] = true
		if m.Weight < 1 {
			return fmt.Errorf("seal pool %q: member %q has the weight 0, the least is 1", p.Name, m.Name)
		}
		p.unlearned = p.unlearned || m.Route == "" || m.Learned
		if other, taken := p.route[m.Route]; taken {
			return fmt.Errorf("seal pool %q: members %q and %q have the same route %q", p.Name, p.Members[other].Name, m.Name, m.Route)
		}
		if m.Route != "" {
			p.route[m.Route] = i
		}
		if p.minWeight == 0 || m.Weight < p.minWeight {
			p.minWeight = m.Weight
		}
		p.maxWeight = max(p.maxWeight, m.Weight)
		m.Seed = HashString(m.Name)
	}
	unit := p.unit()
	for i := range p.Members {
		p.Members[i].Stride = unit / int64(p.Members[i].Weight)
	}
	p.sort()
	return nil
}

// sort files the members by the order in which they are used for new sessions.
func (p *Pool) sort() {
	p.tiers, p.standby = nil, nil
	at := map[uint16]int{}
	for i := range p.Members {
		m := &p.Members[i]
		if m.Role == Standby {
			p.standby = append(p.standby, int32(i))
			continue
		}
		k, ok := at[m.Distance]
		if !ok {
			k = len(p.tiers)
			at[m.Distance] = k
			p.tiers = append(p.tiers, Tier{Distance: m.Distance})
		}
		if m.Role == Spare {
			p.tiers[k].Spare = append(p.tiers[k].Spare, int32(i))
		} else {
			p.tiers[k].Normal = append(p.tiers[k].Normal, int32(i))
		}
	}
	slices.SortFunc(p.tiers, func(a, b Tier) int { return cmp.Compare(a.Distance, b.Distance) })
	slices.SortStableFunc(p.standby, func(a, b int32) int {
		return cmp.Compare(p.Members[a].Distance, p.Members[b].Distance)
	})
}

// Tiers is the members that are no standbys, the smallest distance first.
func (p *Pool) Tiers() []Tier { return p.tiers }

// Standbys is the positions of the standbys, the smallest distance first.
func (p *Pool) Standbys() []int32 { return p.standby }

// Index is the position of a member of this pool in Members.
func (p *Pool) Index(m *Member) int { return m.Ord - p.Members[0].Ord }

// SameWeights says that all members have one weight.
func (p *Pool) SameWeights() bool { return p.minWeight == p.maxWeight }

// MinWeight is the smallest weight of the pool's members.
func (p *Pool) MinWeight() uint32 { return p.minWeight }

// ByRoute is the member whose jvmRoute it is, or nil. A route that a member
// without a configured one was just seen to use counts as well, so that the
// sessions it starts before the next table are not lost. Of two such members
// the one that showed it first has it, as it will in the next table.
func (p *Pool) ByRoute(route []byte) *Member {
	if i, ok := p.route[string(route)]; ok {
		return &p.Members[i]
	}
	if p.unlearned && len(route) > 0 {
		return p.seen(route)
	}
	return nil
}

func (p *Pool) seen(route []byte) (found *Member) {
	var best *meter.Route
	for i := range p.Members {
		m := &p.Members[i]
		if m.Route != "" && !m.Learned {
			continue
		}
		r := m.Live.Route()
		if r == nil || r.Name != string(route) {
			continue
		}
		if best == nil || best.Hint && !r.Hint || best.Hint == r.Hint && r.At < best.At {
			found, best = m, r
		}
	}
	return found
}

// ByRouteName is ByRoute for a string.
func (p *Pool) ByRouteName(route string) *Member {
	if i, ok := p.route[route]; ok {
		return &p.Members[i]
	}
	return nil
}
