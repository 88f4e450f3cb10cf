package config

import (
	"fmt"
	"net"
	"strings"
)

func (d *decoder) checkPool(c *Config, p *Pool) {
	base := "pools." + p.Name
	if d.bad[base] {
		return
	}
	s := p.Sticky
	if !s.Off && len(s.Cookie) == 0 && len(s.PathParameter) == 0 {
		d.errorAtKey(base+".sticky", base+".sticky looks for sessions nowhere", "write sticky: none if that is meant")
	}
	if p.HashOn != "client" && p.Balance != Hash {
		d.warnAtKey(base+".hash_on", base+".hash_on has no effect with balance: "+p.Balance, "write balance: hash, or remove it")
	}
	if p.Connections.Max > 0 && p.Connections.Keep > p.Connections.Max && d.set(base+".connections.keep") {
		d.warnAt(base+".connections.keep", base+".connections.keep is more than max, so it never comes to that", fmt.Sprintf("write %d or less", p.Connections.Max))
	}
	if s.OnLoss == Refuse && !s.Off && d.replicated(c, p) {
		d.warnAt(base+".sticky.on_loss", base+".sticky.on_loss: refuse turns sessions away that the cluster has copies of", "write move")
	}
	for i := range p.FailOnStatus {
		if r := p.FailOnStatus[i]; r.From < 400 {
			d.warnAt(base+".fail_on_status", fmt.Sprintf("%s.fail_on_status: %d is an ordinary answer, not a fault", base, r.From), "list statuses from 400 to 599")
			break
		}
	}
	if p.Health.Cping > p.Health.Every {
		d.warnAt(base+".health.cping", base+".health.cping is longer than health.every, so probes come late", "write "+formatDuration(p.Health.Every)+" or less")
	}
	d.checkMembers(p, base)
	d.checkHosts(p, base)
	d.checkDiscover(c, p, base)
}

// replicated reports whether the configuration speaks of a Tomcat cluster.
func (d *decoder) replicated(c *Config, p *Pool) bool {
	if len(c.Tribes) > 0 {
		return true
	}
	for _, m := range p.Members {
		if m.Receiver != "" {
			return true
		}
	}
	return false
}

func (d *decoder) checkMembers(p *Pool, base string) {
	routes, urls := map[string]string{}, map[Address]string{}
	normal, running := false, false
	for _, m := range p.Members {
		path := base + ".members." + m.Name
		normal = normal || m.Role == RoleNormal
		running = running || m.State != StateStop
		if other, twice := urls[m.URL]; twice {
			d.warnAt(path+".url", fmt.Sprintf("members %s and %s have the same url", other, m.Name), "remove one of them; weight gives a member more work")
		} else {
			urls[m.URL] = m.Name
		}
		if other, twice := routes[m.Route]; twice && m.Route != "" {
			d.errorAt(path+".route", fmt.Sprintf("members %s and %s have the same route %q", other, m.Name, m.Route), "every Tomcat needs a jvmRoute of its own in server.xml")
		} else {
			routes[m.Route] = m.Name
		}
		if !m.HTTP.IsZero() && m.URL.Scheme != "ajp" {
			d.warnAt(path+".http", shown(path)+".http has no effect: url speaks HTTP already", "remove it")
		}
		if p.Sticky.Separator == "last" && strings.Contains(m.Route, ".") && !p.Sticky.Off {
			d.errorAt(path+".route", fmt.Sprintf("route %q of member %s has a dot and sticky.separator is last, so no session would find it", m.Route, m.Name), "remove separator: last")
		}
	}
	for _, m := range p.Members {
		path := base + ".members." + m.Name + ".redirect"
		switch {
		case m.Redirect == "":
		case m.Redirect == m.Route:
			d.warnAt(path, shown(path)+" names the member itself", "name the route of another member")
		case routes[m.Redirect] == "":
			cure := "name the route of another member of this pool"
			if near := nearest(m.Redirect, keysOfMap(routes)); near != "" {
				cure = fmt.Sprintf("did you mean %q?", near)
			}
			d.warnAt(path, fmt.Sprintf("%s: no member has the route %q", shown(path), m.Redirect), cure)
		}
	}
	switch {
	case p.Discover.On: // others may be found
	case !running:
		d.warnAtKey(base, "every member of pool "+p.Name+" has state: stop, so it answers 503", "remove state: stop from one of them")
	case !normal:
		d.warnAtKey(base, "pool "+p.Name+" has only spares", "give one member role: normal")
	}
}

// checkHosts warns of receivers that only work on one machine.
func (d *decoder) checkHosts(p *Pool, base string) {
	hosts := map[string]bool{}
	for _, m := range p.Members {
		hosts[m.URL.Host] = true
	}
	if len(hosts) < 2 {
		return
	}
	for _, m := range p.Members {
		host, _, err := net.SplitHostPort(m.Receiver)
		if err == nil && loopback(host) && !loopback(m.URL.Host) {
			path := base + ".members." + m.Name + ".receiver"
			d.warnAt(path, shown(path)+" is on loopback and the members are on several hosts, so they cannot replicate", "give the Receiver in server.xml the address of its host")
		}
	}
}
