package tribes

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"time"
)

// BeaconHandler takes beacons that come by HTTP, which is what
// HeartbeatListener sends when it has a proxyList (TcpSender): POST with
// HTTP/1.0 and without Host and Content-Type, the beacon as body, and one more
// line end behind the body that no length counts.
//
// accept gets the peer's address as host; when it returns false the answer is
// 403. It is called by many goroutines at once.
func BeaconHandler(accept func(now time.Time, host netip.Addr, b Beacon) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Tomcat begins anew with every beacon. Releases that do not close the
		// old connection would leave one here every ten seconds.
		w.Header().Set("Connection", "close")
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "beacons come by POST", http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBeacon))
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			http.Error(w, ErrBeaconLong.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			http.Error(w, "the body ends too early", http.StatusBadRequest)
			return
		}
		beacon, err := ParseBeacon(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !accept(time.Now(), peer.Addr().Unmap(), beacon) {
			http.Error(w, "beacons of this address are not taken", http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "OK\n")
	})
}
