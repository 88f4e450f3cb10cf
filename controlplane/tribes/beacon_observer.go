package tribes

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// BeaconObserver collects beacons from a multicast group, and from HTTP
// through Take.
type BeaconObserver struct {
	group  *Group
	fresh  func(BeaconNode)
	notice func(Notice)

	mu      sync.Mutex // guards beacons
	beacons Beacons
}

// NewBeaconObserver returns an observer that does not listen yet. fresh is
// called for a connector that was not known, by whichever goroutine brought
// its beacon; it may ask the observer. Both functions may be nil.
func NewBeaconObserver(cfg GroupConfig, fresh func(BeaconNode), notice func(Notice)) *BeaconObserver {
	return &BeaconObserver{group: NewGroup(cfg), fresh: fresh, notice: notice}
}

// Run listens to the group until ctx ends. Without it only Take brings beacons.
func (o *BeaconObserver) Run(ctx context.Context) {
	o.group.Run(ctx, Sink{Hear: o.hear, Notice: o.notice})
}

func (o *BeaconObserver) hear(now time.Time, src netip.AddrPort, b []byte) {
	beacon, err := ParseBeacon(b)
	if err != nil {
		o.mu.Lock()
		o.beacons.junk++
		o.mu.Unlock()
		return
	}
	o.Take(now, src.Addr(), beacon)
}

// Take takes a beacon that came another way; see BeaconHandler.
func (o *BeaconObserver) Take(now time.Time, host netip.Addr, b Beacon) {
	o.mu.Lock()
	isNew := o.beacons.Take(now, host, b)
	node := o.beacons.node(host, b.Port)
	o.mu.Unlock()
	if isNew && o.fresh != nil {
		o.fresh(node)
	}
}

// Nodes returns the connectors heard in the last ten minutes, by address.
func (o *BeaconObserver) Nodes(now time.Time) []BeaconNode {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.beacons.Tick(now)
	return o.beacons.Nodes()
}

// Junk returns how many datagrams were no beacons, and how many beacons had no
// place.
func (o *BeaconObserver) Junk() (junk, refused uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.beacons.Junk()
}

// Facts returns the state of the socket.
func (o *BeaconObserver) Facts() Facts { return o.group.Facts() }
