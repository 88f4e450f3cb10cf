package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// adminPaths are the paths of the admin side that a beacon may not take.
var adminPaths = []string{"/api", "/metrics", "/healthz", "/readyz", "/status", "/debug"}

func (d *decoder) checkTribes(c *Config) {
	type seat struct{ group, iface string }
	first := map[seat]string{}
	for i := range c.Tribes {
		t := &c.Tribes[i]
		path := "tribes[" + strconv.Itoa(i) + "]"
		if d.bad[path] {
			continue
		}
		d.checkMulticast(path+".group", t.Group, t.Interface, "take the address of McastService in server.xml")
		d.checkMulticast(path+".beacon", t.Beacon, t.Interface, "Tomcat's HeartbeatListener sends to 224.0.1.105:23364 unless it is told otherwise")
		if t.DropAfter < 2*t.Heartbeat {
			d.warnAt(path+".drop_after", path+".drop_after is shorter than two heartbeats, so one lost packet loses a member", "write "+formatDuration(6*t.Heartbeat)+" or more")
		}
		if before, twice := first[seat{t.Group, t.Interface}]; twice {
			d.errorAt(path+".group", fmt.Sprintf("%s.group: %s is already %s", path, t.Group, before), "remove one of them")
		} else {
			first[seat{t.Group, t.Interface}] = path
		}
		if t.Role == "replica" {
			d.noteAtKey(path+".role", path+".role: replica is accepted, this version only observes", "keep it; nothing depends on it yet")
		}
		d.checkBeaconPath(c, path+".beacon_path", t.BeaconPath)
	}
}

// checkMulticast checks that an address is one that a group can have.
func (d *decoder) checkMulticast(path, text, iface, cure string) {
	if text == "" {
		return
	}
	host, _, _ := splitPort(text)
	addr, err := netip.ParseAddr(host)
	switch {
	case err != nil || !addr.IsMulticast():
		d.errorAt(path, fmt.Sprintf("%s: %s is not a multicast address", path, host), "multicast is 224.0.0.0 to 239.255.255.255, or begins with ff for IPv6; "+cure)
	case addr.Zone() != "":
		d.errorAt(path, fmt.Sprintf("%s: %s names an interface", path, host), "write "+joinZoneless(text)+" and interface: "+addr.Zone())
	case addr.IsLinkLocalMulticast() && addr.Is6() && iface == "":
		d.warnAt(path, fmt.Sprintf("%s: %s is one group per network, and no interface says which", path, host), "add interface: and the name of a network interface")
	}
}

// joinZoneless takes the zone out of a host:port.
func joinZoneless(text string) string {
	from, to := strings.IndexByte(text, '%'), strings.IndexByte(text, ']')
	if from < 0 || to < from {
		return text
	}
	return text[:from] + text[to:]
}

// checkBeaconPath checks that beacons by HTTP can arrive and take nothing away.
func (d *decoder) checkBeaconPath(c *Config, path, text string) {
	if text == "" {
		return
	}
	if text == "/" || slices.ContainsFunc(adminPaths, func(p string) bool { return text == p || strings.HasPrefix(text, p+"/") }) {
		d.errorAt(path, fmt.Sprintf("%s: %s is a path of the admin side itself", path, text), "write /HeartbeatListener, which Tomcat uses unless proxyURL is set")
	}
	if c.Admin.Listen == "none" {
		d.warnAt(path, path+": admin.listen is none, so no beacon can arrive", "give admin.listen an address that the Tomcats reach, or use beacon")
	}
}
