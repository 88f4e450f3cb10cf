package netlab

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// vethPeer is VETH_INFO_PEER of include/uapi/linux/veth.h.
const vethPeer = 1

// Veth makes a cable: an interface of this name here, its other end in the
// other namespace. Both get an address and are up.
func (n *Namespace) Veth(name string, address netip.Prefix, other *Namespace, otherName string, otherAddress netip.Prefix) {
	n.t.Helper()
	peer := attr(linkHeader(0, 0, 0), unix.IFLA_IFNAME, text(otherName))
	peer = attr(peer, unix.IFLA_NET_NS_FD, word(uint32(other.FD())))
	info := attr(nil, unix.IFLA_INFO_KIND, []byte("veth"))
	info = attr(info, unix.IFLA_INFO_DATA, attr(nil, vethPeer, peer))
	body := attr(linkHeader(0, 0, 0), unix.IFLA_IFNAME, text(name))
	body = attr(body, unix.IFLA_LINKINFO, info)
	n.Do(func() error {
		if err := request(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, body); err != nil {
			return fmt.Errorf("make the cable %s: %v", name, err)
		}
		return nil
	})
	n.Address(name, address)
	other.Address(otherName, otherAddress)
	n.Up(name)
	other.Up(otherName)
}

// Index returns the index of an interface of the namespace.
func (n *Namespace) Index(name string) (index int) {
	n.t.Helper()
	n.Do(func() error {
		i, err := net.InterfaceByName(name)
		if err != nil {
			return err
		}
		index = i.Index
		return nil
	})
	return index
}

// Up switches an interface on.
func (n *Namespace) Up(name string) {
	n.t.Helper()
	n.flags(name, unix.IFF_UP)
}

// Down switches an interface off, which cuts its cable.
func (n *Namespace) Down(name string) {
	n.t.Helper()
	n.flags(name, 0)
}

func (n *Namespace) flags(name string, up uint32) {
	n.t.Helper()
	index := n.Index(name)
	n.Do(func() error {
		if err := request(unix.RTM_NEWLINK, 0, linkHeader(index, up, unix.IFF_UP)); err != nil {
			return fmt.Errorf("switch %s: %v", name, err)
		}
		return nil
	})
}

// Address gives an interface an address, usable at once.
func (n *Namespace) Address(name string, p netip.Prefix) {
	n.t.Helper()
	index := n.Index(name)
	family, flags := byte(unix.AF_INET), byte(0)
	if p.Addr().Is6() {
		family, flags = unix.AF_INET6, unix.IFA_F_NODAD
	}
	body := append([]byte{family, byte(p.Bits()), flags, unix.RT_SCOPE_UNIVERSE}, word(uint32(index))...)
	body = attr(body, unix.IFA_LOCAL, p.Addr().AsSlice())
	body = attr(body, unix.IFA_ADDRESS, p.Addr().AsSlice())
	n.Do(func() error {
		if err := request(unix.RTM_NEWADDR, unix.NLM_F_CREATE, body); err != nil {
			return fmt.Errorf("give %s the address %s: %v", name, p, err)
		}
		return nil
	})
}
