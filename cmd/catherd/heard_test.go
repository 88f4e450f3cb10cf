package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
)

// What a cluster in trouble looks like, word for word.
func TestHeardText(t *testing.T) {
	begin := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s := &admin.Status{
		Started: begin, Uptime: 100,
		Groups: []admin.GroupStatus{{
			Group: "228.0.0.4:45564", Interface: "eth0", Joined: true, Matched: 3, Waiting: 1, Nobody: 1, Others: 2,
			Nodes: []admin.NodeStatus{
				{Receiver: "10.0.0.5:4000", ID: "4f1c..09", State: "alive", Ago: 0.4, Pool: "app", Member: "tomcat1", Sure: true, Also: []string{"shop/tomcat1"}},
				{Receiver: "10.0.0.6:4000", ID: "77ab..d2", State: "silent", Ago: 63, Pool: "app", Member: "tomcat2", Also: []string{"app/tomcat3"}},
				{Receiver: "10.0.0.7:4000", Advertised: "127.0.0.1:4000", Rewritten: true, ID: "90ee..41", State: "alive", Once: true, Ago: 0.2,
					Unmatched: &admin.Unmatched{Why: "it was heard once only", Under: "pools.app.members", Line: "x: {}"}},
				{Receiver: "10.0.0.8:4000", ID: "0102..03", State: "leaving", Ago: 9.95,
					Unmatched: &admin.Unmatched{Pool: "app", Why: "10.0.0.8:8009 refuses connections"}},
			},
		}, {
			Group: "228.0.0.5:45564", Problem: `no interface is called "eth9"`,
		}, {
			Group: "228.0.0.6:45564", Interface: "eth0", Joined: true, DeafSince: begin.Add(40 * time.Second),
		}},
		Beacons: []admin.BeaconStatus{
			{Connector: "10.0.0.5:8009", Ready: 180, Busy: 20, Ago: 3, Pool: "app", Member: "tomcat1"},
			{Connector: "10.0.0.9:8009", Ready: -1, Busy: -1, Ago: 4, Unmatched: &admin.Unmatched{Why: "no pool takes it"}},
			{Connector: "10.0.0.8:8009", Ago: 12},
		},
		Sources: []admin.SourceStatus{
			{Name: "tomcats.example", Pool: "app", Good: begin.Add(90 * time.Second)},
			{Name: "members.yaml", Pool: "app", Problem: "members.yaml:3: unknown key"},
		},
		Findings: []admin.Finding{
			{Severity: "critical", Subject: "10.0.0.7:4000", What: "10.0.0.7:4000 tells a loopback address", Cause: "nothing is replicated", Cure: "set address"},
			{Severity: "warning", Subject: "app/tomcat2", What: "the route is taken", Cure: "give it another"},
		},
	}
	const want = `tribes 228.0.0.4:45564  on eth0  4 heard, 3 matched, 1 waiting, 1 nobody's, 2 of other domains
  HEARD       ID        RECEIVER                             STATE        MEMBER
  0.4 s ago   4f1c..09  10.0.0.5:4000                        alive        app/tomcat1, shop/tomcat1
  1m 3s ago   77ab..d2  10.0.0.6:4000                        silent       perhaps app/tomcat2 or app/tomcat3
  0.2 s ago   90ee..41  10.0.0.7:4000 (says 127.0.0.1:4000)  alive, once  - nobody
      it was heard once only
      add under pools.app.members:
        x: {}
  9.9 s ago   0102..03  10.0.0.8:4000                        leaving      - pool app waits
      10.0.0.8:8009 refuses connections
tribes 228.0.0.5:45564  not listened to: no interface is called "eth9"  0 heard, 0 matched
tribes 228.0.0.6:45564  on eth0, nobody has been heard for 1m 0s  0 heard, 0 matched
beacons
  HEARD      CONNECTOR      FREE  BUSY  MEMBER
  3.0 s ago  10.0.0.5:8009   180    20  app/tomcat1
  4.0 s ago  10.0.0.9:8009     ?     ?  - nobody
      no pool takes it
  12s ago    10.0.0.8:8009     0     0  -
sources
  GOOD     POOL  SOURCE
  10s ago  app   tomcats.example
  never    app   members.yaml
      members.yaml:3: unknown key
critical  10.0.0.7:4000 tells a loopback address
          why: nothing is replicated
          do:  set address
warning   app/tomcat2: the route is taken
          do:  give it another
`
	got := heardText(s)
	for i, line := range strings.Split(want, "\n") {
		lines := strings.Split(got, "\n")
		if i >= len(lines) || strings.Join(strings.Fields(lines[i]), " ") != strings.Join(strings.Fields(line), " ") {
			t.Fatalf("line %d differs:\n%s", i+1, got)
		}
	}
	// The status has the groups in one line each, and the findings.
	text := statusText(s, nil)
	for _, line := range []string{
		"tribes 228.0.0.4:45564  4 heard, 3 matched, 1 waiting, 1 nobody's, 2 of other domains\n",
		"tribes 228.0.0.5:45564  0 heard, 0 matched  not listened to: no interface is called \"eth9\"\n",
		"source members.yaml of pool app: members.yaml:3: unknown key\n",
		"\ncritical  10.0.0.7:4000 tells",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("the status lacks %q:\n%s", line, text)
		}
	}
	// That of one member is about that member.
	if text := statusText(s, []string{"app"}); strings.Contains(text, "tribes") || strings.Contains(text, "critical") {
		t.Errorf("the status of a pool:\n%s", text)
	}
}

// A beacon by HTTP/1.0, as TcpSender of HeartbeatListener posts it, is shown
// with the member whose connector it names.
func TestBeaconArrives(t *testing.T) {
	group, err := ownGroup()
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, "tribes: {group: \""+group+"\", interface: lo, beacon_path: /HeartbeatListener}\n")
	s, _, err := statusAt(p.socket)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.Pools[0].Members[0].URL, "ajp://"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(p.adminURL(t), "http://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	body := "v=1&ready=180&busy=20&port=" + port
	fmt.Fprintf(c, "POST /HeartbeatListener HTTP/1.0\r\nContent-Length: %d\r\nUser-Agent: HeartbeatListener/1.0\r\nConnection: Close\r\n\r\n%s\r\n", len(body), body)
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.0 200 OK\r\n") {
		t.Fatalf("%q, %v", answer, err)
	}
	p.await(t, "the beacon", func() bool {
		s, _, err := statusAt(p.socket)
		return err == nil && len(s.Beacons) == 1 && s.Beacons[0].Member == s.Pools[0].Members[0].Name && s.Beacons[0].Busy == 20
	})
	var out, talk buffer
	if code := execute(t.Context(), p.env(&out, &talk), []string{"heard"}); code != exitFine || !strings.Contains(out.String(), "beacons\n") {
		t.Errorf("exit code %d:\n%s%s", code, out.String(), talk.String())
	}
}
