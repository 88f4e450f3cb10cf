package tribes

import (
	"fmt"
	"net"
	"net/netip"
)

// chooseInterface finds an interface by its name or by one of its addresses.
// For an empty name it takes the one that the system's routes lead to for the
// group, as Tomcat does without a bind address.
func chooseInterface(name string, group netip.AddrPort) (*net.Interface, error) {
	if name == "" {
		return routed(group)
	}
	if i, err := net.InterfaceByName(name); err == nil {
		return i, nil
	}
	addr, err := netip.ParseAddr(name)
	if err != nil {
		return nil, fmt.Errorf("no interface is called %q", name)
	}
	return owner(addr)
}

// InterfaceFor returns the interface on which a group is joined whose interface the file
// names like that.
func InterfaceFor(name string, group netip.AddrPort) (*net.Interface, error) {
	return chooseInterface(name, group)
}

// routed asks the kernel which address it would use towards the group.
// Connecting a datagram socket sends nothing.
func routed(group netip.AddrPort) (*net.Interface, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(group))
	if err != nil {
		return nil, fmt.Errorf("no route leads to %s: name the interface (%v)", group.Addr(), err)
	}
	defer c.Close()
	return owner(c.LocalAddr().(*net.UDPAddr).AddrPort().Addr())
}

// owner returns the interface that has the address. Every address of
// 127.0.0.0/8 belongs to the loopback interface.
func owner(addr netip.Addr) (*net.Interface, error) {
	addr = addr.Unmap().WithZone("")
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %v", err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 && addr.IsLoopback() {
			return &i, nil
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == addr {
				return &i, nil
			}
		}
	}
	return nil, fmt.Errorf("no interface has the address %s", addr)
}

// present reports in words what is wrong with an interface that was joined on:
// gone means that the membership is gone with it, down that it will be back.
func present(joined *net.Interface) (gone bool, problem string) {
	i, err := net.InterfaceByIndex(joined.Index)
	switch {
	case err != nil || i.Name != joined.Name:
		return true, fmt.Sprintf("interface %s is gone", joined.Name)
	case i.Flags&net.FlagUp == 0:
		return false, fmt.Sprintf("interface %s is down", joined.Name)
	default:
		return false, ""
	}
}

// LocalAddrs returns the addresses of this host, for Settings.Local.
func LocalAddrs() ([]netip.Addr, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list addresses of this host: %v", err)
	}
	var out []netip.Addr
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr().Unmap())
		}
	}
	return out, nil
}
