package controlplane

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/catherd/catherd/controlplane/cluster"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/source"
	"github.com/catherd/catherd/controlplane/tribes"
)

// ears is what the controller hears with: cluster.Ears, which says what each
// method does. Sockets and fake time do not go together, so tests have ears of
// their own.
type ears interface {
	Set(*config.Config)
	Inputs(now time.Time) discover.Inputs
	Ask(*config.Config, []discover.Candidate)
	Look(receivers []netip.AddrPort)
	Keep(group string, receiver netip.AddrPort, yes bool)
	Groups() []tribes.GroupSight
	Sources() []source.Status
	Local() []netip.Addr
	Beacons(path string) (http.Handler, bool)
	Close()
}

var _ ears = (*cluster.Ears)(nil)
