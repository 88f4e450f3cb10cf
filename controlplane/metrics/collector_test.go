package metrics

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/kernel"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

type fixed Snapshot

func (f *fixed) Metrics() Snapshot { return Snapshot(*f) }

func sample(t *testing.T) *fixed {
	t.Helper()
	p := &table.Pool{Name: "app", Members: []table.Member{
		{ID: "app/a", Name: "a", Weight: 1}, {ID: "app/b", Name: "b", Weight: 1},
	}}
	tab := &table.Table{Version: 7, Pools: []*table.Pool{p}}
	if err := tab.Seal(); err != nil {
		t.Fatal(err)
	}
	a := p.Members[0].Live
	a.Begin(1)
	a.Done(200, 10, 20, 2, int64(3*time.Millisecond), int64(2*time.Millisecond))
	a.Begin(3)
	a.Fault(meter.FaultDial, 4, "connect refused")
	a.Open.Store(3)
	a.Idle.Store(2)
	a.Sessions[meter.Kept].Add(4)
	p.Members[1].Live.Sessions[meter.Kept].Add(1)
	p.Live.Duration.Observe(int64(3 * time.Millisecond))
	probes := &health.Probes{}
	probes.OK.Add(5)
	probes.OKSeconds.Observe(int64(time.Millisecond))
	return &fixed{
		Table: tab,
		Report: compile.Report{Pools: []compile.PoolReport{{Name: "app", Members: []compile.MemberReport{
			{Name: "a", State: compile.Shaky}, {Name: "b", State: compile.Leaving},
		}}}},
		Probes:    map[table.ID]*health.Probes{"app/a": probes},
		Overrides: map[string]int{"drain": 2},
		Groups: []Group{{Name: "228.0.0.4:45564", Matched: 2, Waiting: 1, Nobody: 3,
			Heard: 100, Stops: 4, Foreign: 5, Refused: 6, Junk: 7, Lost: 8}},
		LastHeard: map[table.ID]time.Time{"app/a": time.UnixMilli(2500)},
		Findings:  map[string]int{"critical": 1},
		Kernel: []kernel.Status{
			{Program: kernel.Events, State: kernel.Attached, Counts: map[string]uint64{"told": 9, "lost": 0}},
			{Program: kernel.Guard, State: kernel.Missing, Drops: map[string]uint64{"denied": 2}},
		},
		ReloadsOK: 3, LastReloadOK: true, LastSuccess: time.UnixMilli(1500), InSync: true,
		Version: "1.0", Revision: "abc",
	}
}

func TestLint(t *testing.T) {
	problems, err := testutil.GatherAndLint(New(sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestEveryMetricIsSent(t *testing.T) {
	families, err := New(sample(t)).Gather()
	if err != nil {
		t.Fatal(err)
	}
	sent := map[string]bool{}
	for _, f := range families {
		sent[f.GetName()] = true
	}
	names := Names()
	if len(names) != len(all) {
		t.Fatalf("%d names of %d metrics", len(names), len(all))
	}
	for _, name := range names {
		if !sent[name] {
			t.Errorf("%s is described and never sent", name)
		}
	}
}

func TestValues(t *testing.T) {
	f := func(want string, names ...string) {
		t.Helper()
		if err := testutil.GatherAndCompare(New(sample(t)), strings.NewReader(want), names...); err != nil {
			t.Error(err)
		}
	}
	f(`
# HELP catherd_requests_in_flight Requests a member has at present, waiting ones included.
# TYPE catherd_requests_in_flight gauge
catherd_requests_in_flight{member="a",pool="app"} 1
catherd_requests_in_flight{member="b",pool="app"} 0
# HELP catherd_member_up Whether a member can be given work: 1 unless it is down or leaving.
# TYPE catherd_member_up gauge
catherd_member_up{member="a",pool="app"} 1
catherd_member_up{member="b",pool="app"} 0
# HELP catherd_member_state 1 for the state that a member is in.
# TYPE catherd_member_state gauge
catherd_member_state{member="a",pool="app",state="checking"} 0
catherd_member_state{member="a",pool="app",state="down"} 0
catherd_member_state{member="a",pool="app",state="drain"} 0
catherd_member_state{member="a",pool="app",state="leaving"} 0
catherd_member_state{member="a",pool="app",state="ready"} 0
catherd_member_state{member="a",pool="app",state="shaky"} 1
catherd_member_state{member="a",pool="app",state="stop"} 0
catherd_member_state{member="b",pool="app",state="checking"} 0
catherd_member_state{member="b",pool="app",state="down"} 0
catherd_member_state{member="b",pool="app",state="drain"} 0
catherd_member_state{member="b",pool="app",state="leaving"} 1
catherd_member_state{member="b",pool="app",state="ready"} 0
catherd_member_state{member="b",pool="app",state="shaky"} 0
catherd_member_state{member="b",pool="app",state="stop"} 0
# HELP catherd_tribes_members Nodes heard in a group: matched with a member, waiting for their connector, or nobody's.
# TYPE catherd_tribes_members gauge
catherd_tribes_members{group="228.0.0.4:45564",result="matched"} 2
catherd_tribes_members{group="228.0.0.4:45564",result="nobody"} 3
catherd_tribes_members{group="228.0.0.4:45564",result="waiting"} 1
# HELP catherd_tribes_heartbeats_total Datagrams of a group by what became of them.
# TYPE catherd_tribes_heartbeats_total counter
catherd_tribes_heartbeats_total{group="228.0.0.4:45564",result="foreign"} 5
catherd_tribes_heartbeats_total{group="228.0.0.4:45564",result="heard"} 100
catherd_tribes_heartbeats_total{group="228.0.0.4:45564",result="junk"} 7
catherd_tribes_heartbeats_total{group="228.0.0.4:45564",result="lost"} 8
catherd_tribes_heartbeats_total{group="228.0.0.4:45564",result="refused"} 6
catherd_tribes_heartbeats_total{group="228.0.0.4:45564",result="stop"} 4
# HELP catherd_tribes_last_heartbeat_timestamp_seconds When a member's node was last heard.
# TYPE catherd_tribes_last_heartbeat_timestamp_seconds gauge
catherd_tribes_last_heartbeat_timestamp_seconds{member="a",pool="app"} 2.5
# HELP catherd_findings What is wrong with the cluster, by severity.
# TYPE catherd_findings gauge
catherd_findings{severity="critical"} 1
catherd_findings{severity="info"} 0
catherd_findings{severity="warning"} 0
# HELP catherd_sticky_requests_total Requests by what became of their session.
# TYPE catherd_sticky_requests_total counter
catherd_sticky_requests_total{outcome="moved",pool="app"} 0
catherd_sticky_requests_total{outcome="new",pool="app"} 0
catherd_sticky_requests_total{outcome="stayed",pool="app"} 5
catherd_sticky_requests_total{outcome="unknown",pool="app"} 0
# HELP catherd_config_last_reload_success_timestamp_seconds When a configuration was last accepted.
# TYPE catherd_config_last_reload_success_timestamp_seconds gauge
catherd_config_last_reload_success_timestamp_seconds 1.5
# HELP catherd_overrides Operators' wishes that hold, by kind.
# TYPE catherd_overrides gauge
catherd_overrides{kind="drain"} 2
catherd_overrides{kind="ready"} 0
catherd_overrides{kind="stop"} 0
catherd_overrides{kind="weight"} 0
# HELP catherd_request_duration_seconds Whole requests, from the first byte of the client to the last of the answer.
# TYPE catherd_request_duration_seconds histogram
catherd_request_duration_seconds_bucket{pool="app",le="0.0005"} 0
catherd_request_duration_seconds_bucket{pool="app",le="0.001"} 0
catherd_request_duration_seconds_bucket{pool="app",le="0.0025"} 0
catherd_request_duration_seconds_bucket{pool="app",le="0.005"} 1
catherd_request_duration_seconds_bucket{pool="app",le="0.01"} 1
catherd_request_duration_seconds_bucket{pool="app",le="0.025"} 1
catherd_request_duration_seconds_bucket{pool="app",le="0.05"} 1
catherd_request_duration_seconds_bucket{pool="app",le="0.1"} 1
catherd_request_duration_seconds_bucket{pool="app",le="0.25"} 1
catherd_request_duration_seconds_bucket{pool="app",le="0.5"} 1
catherd_request_duration_seconds_bucket{pool="app",le="1"} 1
catherd_request_duration_seconds_bucket{pool="app",le="2.5"} 1
catherd_request_duration_seconds_bucket{pool="app",le="5"} 1
catherd_request_duration_seconds_bucket{pool="app",le="10"} 1
catherd_request_duration_seconds_bucket{pool="app",le="+Inf"} 1
catherd_request_duration_seconds_sum{pool="app"} 0.003
catherd_request_duration_seconds_count{pool="app"} 1
# HELP catherd_kernel_drops_total Packets that a program in the kernel has dropped, by reason.
# TYPE catherd_kernel_drops_total counter
catherd_kernel_drops_total{program="guard",reason="denied"} 2
# HELP catherd_kernel_events_total What a program in the kernel has counted, such as events that it told and that were lost.
# TYPE catherd_kernel_events_total counter
catherd_kernel_events_total{program="events",what="lost"} 0
catherd_kernel_events_total{program="events",what="told"} 9
# HELP catherd_kernel_program_attached 1 when the program in the kernel is at work.
# TYPE catherd_kernel_program_attached gauge
catherd_kernel_program_attached{program="events"} 1
catherd_kernel_program_attached{program="guard"} 0
`, "catherd_kernel_drops_total", "catherd_kernel_events_total", "catherd_kernel_program_attached", "catherd_requests_in_flight", "catherd_member_up", "catherd_sticky_requests_total", "catherd_overrides",
		"catherd_member_state", "catherd_tribes_members", "catherd_tribes_heartbeats_total",
		"catherd_tribes_last_heartbeat_timestamp_seconds", "catherd_findings",
		"catherd_config_last_reload_success_timestamp_seconds", "catherd_request_duration_seconds")
}
