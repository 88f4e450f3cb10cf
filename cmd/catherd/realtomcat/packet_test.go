package realtomcat

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/catherd/catherd/controlplane/admin"
)

// packetSizes: ajp13.md 1.3. A head has to fit one packet of either side.
func packetSizes(t *testing.T, f *farm) {
	client := newVisitor(t, f.balancer)
	ask := func(pool string, size int) page {
		r := client.request(http.MethodGet, pool+".test", "/app/echo", nil)
		r.Header.Set("X-Long", strings.Repeat("x", size))
		return client.do(r)
	}
	for _, pool := range []string{"plain", "packet-ours", "packet-theirs", "packet-both"} {
		if p := ask(pool, 4000); p.status != http.StatusOK || len(p.word("header.x-long")) != 4000 {
			t.Errorf("%s: a head of 4000 bytes: status %d, want 200", pool, p.status)
		}
	}
	// Ours is too small: nothing is sent, and it is not the member's fault.
	for _, pool := range []string{"plain", "packet-theirs"} {
		p := ask(pool, 9000)
		if p.status != http.StatusRequestHeaderFieldsTooLarge || !hasAll(p.head.Get("Catherd-Reason"), []string{"packetSize", "max_packet_size"}) {
			t.Errorf("%s: a head of 9000 bytes: status %d, reason %q; want 431 and packetSize", pool, p.status, p.head.Get("Catherd-Reason"))
		}
		f.logged(pool, "packetSize", "max_packet_size", "8192")
	}
	if p := ask("packet-both", 60000); p.status != http.StatusOK || len(p.word("header.x-long")) != 60000 {
		t.Errorf("packet-both: a head of 60000 bytes: status %d, want 200", p.status)
	}
	// The member's is too small: it refuses what it has not read, in its own way, and the
	// operator is told what that means.
	refusal := http.StatusInternalServerError
	if strings.HasPrefix(f.version, "7.") {
		refusal = http.StatusBadRequest
	}
	if p := ask("packet-ours", 9000); p.status != refusal {
		t.Errorf("packet-ours: a head of 9000 bytes: status %d, want the member's own %d: %s", p.status, refusal, p.body)
	}
	f.logged("packet-ours", "packetSize", "larger than 8192", "server.xml")
	answerHeads(t, f, client)
	for _, pool := range []string{"plain", "packet-ours", "packet-theirs", "packet-both"} {
		client.good(pool+".test", "/app/echo") // nothing is left behind
	}
}

// answerHeads: the answer's head has to fit as well. A member whose own packet is too
// small sends something malformed or nothing (ajp13.md 10, "response head larger than
// P"); one whose packet is larger than ours sends what we do not take.
func answerHeads(t *testing.T, f *farm, client *visitor) {
	for _, pool := range []string{"plain", "packet-ours", "packet-theirs"} {
		p := client.get(pool+".test", "/app/bighead?n=20000")
		if p.status != http.StatusBadGateway || p.head.Get("X-Big") != "" || !strings.Contains(p.head.Get("Catherd-Reason"), "packetSize") {
			t.Errorf("%s: an answer with a head of 20000 bytes: status %d, reason %q, want 502 and packetSize", pool, p.status, p.head.Get("Catherd-Reason"))
		}
		fault := f.member(pool, f.tomcat.Name, "has a fault", func(m *admin.MemberStatus) bool { return m.LastFault != nil }).LastFault
		if !strings.Contains(fault.Text, "packetSize") {
			t.Errorf("%s: last fault in the status: %q, want packetSize", pool, fault.Text)
		}
		f.logged(pool, "packetSize", "max_packet_size")
	}
	for _, size := range []int{4000, 20000, 60000} {
		p := client.good("packet-both.test", "/app/bighead?n="+strconv.Itoa(size))
		if len(p.head.Get("X-Big")) != size {
			t.Errorf("packet-both: an answer with a head of %d bytes has %d", size, len(p.head.Get("X-Big")))
		}
	}
}
