package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// defaultPool is the name of the pool that top-level backends make.
const defaultPool = "default"

// resolve turns short forms into long ones and fills in what depends on other
// keys. Afterwards nothing reads the file's shape any more.
func (d *decoder) resolve(c *Config) {
	d.foldBackends(c)
	for i := range c.Pools {
		d.resolvePool(&c.Pools[i])
	}
	d.defaultRoute(c)
	d.adminToken(c)
}

// foldBackends makes the pool "default" of top-level backends.
func (d *decoder) foldBackends(c *Config) {
	if !d.set("backends") {
		if !d.set("pools") {
			cure := "add backends: [ajp://127.0.0.1:8009], or pools"
			if d.set("tribes") {
				cure = "add pools: {app: {discover: {ajp_port: 8009}}} for what is heard in the group, or backends: [ajp://127.0.0.1:8009]"
			}
			d.errorAt("", "there are no backends", cure)
		} else if len(c.Pools) == 0 && !d.bad["pools"] {
			d.errorAtKey("pools", "pools is empty", "add a pool with members")
		}
		return
	}
	if c.Pool(defaultPool) != nil {
		d.errorAtKey("backends", "backends makes a pool named default, and pools has one too", "move these addresses into pools.default.backends")
		return
	}
	p := Pool{Name: defaultPool}
	d.defaults(reflect.ValueOf(&p).Elem())
	p.Backends, c.Backends = c.Backends, nil
	base := "pools." + defaultPool
	d.derive(base, "backends")
	d.derive(base+".backends", "backends")
	for i := range p.Backends {
		d.derive(base+".backends["+strconv.Itoa(i)+"]", "backends["+strconv.Itoa(i)+"]")
	}
	if d.bad["backends"] {
		d.bad[base] = true
	}
	c.Pools = append(c.Pools, p)
}

func (d *decoder) resolvePool(p *Pool) {
	base := "pools." + p.Name
	d.foldMembers(p, base)
	for i := range p.Members {
		m := &p.Members[i]
		path := base + ".members." + m.Name
		if !d.set(path + ".route") {
			m.Route = m.Name
			d.marks[path+".route"] = Origin{Note: "the member's name"}
		}
	}
	if !d.set(base + ".health.cping") {
		p.Health.Cping = p.Ping.Timeout
		if d.set(base + ".ping.timeout") {
			d.derive(base+".health.cping", base+".ping.timeout")
		}
	}
	switch expect, request := base+".health.expect", base+".health.request.expect"; {
	case d.set(request) && d.set(expect):
		if !slices.Equal(p.Health.Expect, p.Health.Request.Expect) && !d.bad[base] {
			d.errorAt(request, "health.expect and health.request.expect differ", "keep one of them")
		}
	case d.set(request):
		p.Health.Expect = p.Health.Request.Expect
		d.derive(expect, request)
	case d.set(expect):
		p.Health.Request.Expect = p.Health.Expect
		d.derive(request, expect)
	}
	d.secret(p, base)
}

// foldMembers makes members of a pool's backends.
func (d *decoder) foldMembers(p *Pool, base string) {
	if !d.set(base + ".backends") {
		if len(p.Members) == 0 && !p.Discover.On && !d.bad[base] {
			d.errorAtKey(base, "pool "+p.Name+" has no members", "add members, or backends: [ajp://127.0.0.1:8009], or discover: {ajp_port: 8009}")
		}
		return
	}
	if d.set(base + ".members") {
		d.errorAtKey(base+".backends", "pool "+p.Name+" has both backends and members", "write all of them as members")
		return
	}
	if len(p.Backends) == 0 && !p.Discover.On && !d.bad[base] {
		d.errorAtKey(base+".backends", "pool "+p.Name+" has no members", "list at least one address, as in backends: [ajp://127.0.0.1:8009]")
	}
	taken := map[string]int{}
	for i, a := range p.Backends {
		m := NewMember(unique(MemberName(a), taken))
		m.URL = a
		p.Members = append(p.Members, m)
		from := base + ".backends"
		if indexed := from + "[" + strconv.Itoa(i) + "]"; d.set(indexed) {
			from = indexed
		}
		path := base + ".members." + m.Name
		d.derive(path, from)
		d.derive(path+".url", from)
		d.marks[path+".route"] = Origin{Note: "learned from sessions"}
	}
	p.Backends = nil
}

// MemberName makes a name of an address: 127.0.0.1-8009. It always is one that
// the file could have.
func MemberName(a Address) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", r) {
			return r
		}
		return '-'
	}, a.Host)
	port := "-" + strconv.Itoa(a.Port)
	name = strings.TrimLeft(name, ".-")
	name = name[:min(len(name), 64-len(port)-4)] // room for a number against doubles
	if name == "" {
		name = "member"
	}
	return name + port
}

// unique numbers a name that is taken: a-8009, a-8009-2, a-8009-3.
func unique(name string, taken map[string]int) string {
	for {
		taken[name]++
		n := taken[name]
		if n == 1 {
			return name
		}
		name += "-" + strconv.Itoa(n)
	}
}

// defaultRoute sends everything to the only pool, or to the one named default.
func (d *decoder) defaultRoute(c *Config) {
	if d.set("routes") {
		if len(c.Routes) == 0 && !d.bad["routes"] {
			d.errorAtKey("routes", "routes is empty", "add a route, or remove the line when there is one pool")
		}
		return
	}
	var target *Pool
	if len(c.Pools) == 1 {
		target = &c.Pools[0]
	} else {
		target = c.Pool(defaultPool)
	}
	if target == nil {
		if len(c.Pools) > 1 {
			d.errorAtKey("pools", "there are several pools and no routes", "add routes: [{path: /, pool: "+c.Pools[0].Name+"}] and what goes to the others")
		}
		return
	}
	r := Route{}
	d.defaults(reflect.ValueOf(&r).Elem())
	r.Pool = target.Name
	c.Routes = []Route{r}
	d.marks["routes[0].pool"] = Origin{Note: "the only pool"}
	if len(c.Pools) > 1 {
		d.marks["routes[0].pool"] = Origin{Note: "the pool named default"}
	}
}
