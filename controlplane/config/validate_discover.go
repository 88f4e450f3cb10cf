package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// speaksAJP reports whether a member that is found may be reached by AJP.
func (d *Discover) speaksAJP() bool {
	if !d.On {
		return false
	}
	for _, a := range d.DNS {
		if a.Scheme == "ajp" {
			return true
		}
	}
	for _, name := range d.SRV {
		if SRVScheme(name) == "ajp" {
			return true
		}
	}
	// A file may list anything, and a beacon does not say what its port speaks.
	return d.AJP() || d.File != "" || !d.HTTP() && len(d.DNS)+len(d.SRV) == 0
}

// Listens reports whether heartbeats or beacons are a source of the pool:
// ports are derived from them, or there is no other source.
func (d *Discover) Listens() bool {
	return d.On && (d.Ports() || len(d.DNS)+len(d.SRV) == 0 && d.File == "")
}

func (d *decoder) checkDiscover(c *Config, p *Pool, base string) {
	s := &p.Discover
	if !s.On {
		return
	}
	base += ".discover"
	d.onePort(base, "ajp", s.AJPPort, s.AJPPortOffset, s.AJPPorts)
	d.onePort(base, "http", s.HTTPPort, s.HTTPPortOffset, s.HTTPPorts)
	d.checkNames(base, s)
	if s.Listens() {
		d.checkListens(c, base, s)
		return
	}
	for _, f := range []struct{ key, value string }{{"domain", s.Domain}, {"group", s.Group}} {
		if f.value != "" {
			d.warnAtKey(base+"."+f.key, base+"."+f.key+" has no effect without a port of what is heard", "add ajp_port: 8009, or remove it")
		}
	}
}

// onePort checks that a port is said in one way.
func (d *decoder) onePort(base, proto string, port, offset int, ports []int) {
	var said []string
	for _, way := range []struct {
		key  string
		used bool
	}{{"_port", port != 0}, {"_port_offset", offset != 0}, {"_ports", len(ports) > 0}} {
		if way.used {
			said = append(said, proto+way.key)
		}
	}
	if len(said) > 1 {
		d.errorAtKey(base+"."+said[1], fmt.Sprintf("%s says the %s port in %d ways: %s", base, strings.ToUpper(proto), len(said), listWords(said)),
			"keep one of them")
	}
	seen := map[int]bool{}
	for _, n := range ports {
		if seen[n] {
			d.warnAt(base+"."+proto+"_ports", fmt.Sprintf("%s.%s_ports: %d is there twice", base, proto, n), "remove one of them")
		}
		seen[n] = true
	}
	if len(ports) > maxPorts {
		d.errorAt(base+"."+proto+"_ports", fmt.Sprintf("%s.%s_ports has more than %d ports", base, proto, maxPorts), "list the ports that Tomcats use; each is tried on each host")
	}
}

// maxPorts bounds the candidates of one host.
const maxPorts = 64

// checkNames checks the names that are resolved.
func (d *decoder) checkNames(base string, s *Discover) {
	for i, a := range s.DNS {
		if _, err := netip.ParseAddr(a.Host); err == nil {
			path := base + ".dns[" + strconv.Itoa(i) + "]"
			d.errorAt(path, fmt.Sprintf("%s.dns: %s is an address, not a name", base, a.Host), "list addresses under backends or members")
		}
	}
}

// checkListens checks what concerns heartbeats and beacons.
func (d *decoder) checkListens(c *Config, base string, s *Discover) {
	if len(c.Tribes) == 0 {
		if d.bad["tribes"] || d.set("tribes") {
			return
		}
		d.errorAtKey(base, base+" finds what is heard in a group, and there is no tribes", "add tribes: and the group of McastService in server.xml, as in tribes: 228.0.0.4:45564")
		return
	}
	var groups []string
	var heard []*Tribes
	beacons := false
	for i := range c.Tribes {
		t := &c.Tribes[i]
		groups = append(groups, t.Group)
		if s.Group == "" || s.Group == t.Group {
			heard = append(heard, t)
		}
		beacons = beacons || t.Beacon != "" || t.BeaconPath != ""
	}
	if len(heard) == 0 {
		cure := "the groups are " + listWords(groups)
		if near := nearest(s.Group, groups); near != "" {
			cure = fmt.Sprintf("did you mean %q?", near)
		}
		d.errorAt(base+".group", fmt.Sprintf("%s.group: %s is no group of tribes", base, s.Group), cure)
		return
	}
	if !s.Ports() && !beacons {
		d.errorAtKey(base, base+" does not say which port a Tomcat that is heard has, and a heartbeat does not tell", "add ajp_port: 8009, or ajp_port_offset: 4009 (AJP port less receiver port), or ajp_ports: [8009, 9009] to try")
		return
	}
	open, domain := false, s.Domain == ""
	for _, t := range heard {
		open = open || !onLoopback(t.Interface)
		domain = domain || t.Domain == "" || t.Domain == s.Domain
	}
	if !domain {
		d.errorAt(base+".domain", fmt.Sprintf("%s.domain: tribes does not listen to the domain %q", base, s.Domain), "make tribes.domain the same, or remove it there")
	}
	if open && len(s.Allow) == 0 {
		d.warnAtKey(base, base+" has no allow, so every machine that can send to the group may be given requests", "add allow: and the networks of the Tomcats, as in allow: [10.0.0.0/24]")
	}
}

// onLoopback reports whether an interface is this machine and nothing else.
func onLoopback(iface string) bool { return iface == "lo" || iface != "" && loopback(iface) }
