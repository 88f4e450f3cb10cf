package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// desc declares one metric. Everything that is exported is in this file.
func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("catherd_"+name, help, labels, nil)
}

var (
	requests      = desc("requests_total", "Requests given to a member, by class of its answer; none: no answer.", "pool", "member", "status")
	duration      = desc("request_duration_seconds", "Whole requests, from the first byte of the client to the last of the answer.", "pool")
	response      = desc("member_response_seconds", "From the request sent to the head of the member's answer.", "pool", "member")
	inFlight      = desc("requests_in_flight", "Requests a member has at present, waiting ones included.", "pool", "member")
	requestBytes  = desc("request_bytes_total", "Request body bytes sent to a member.", "pool", "member")
	responseBytes = desc("response_bytes_total", "Answer body bytes got from a member.", "pool", "member")

	up          = desc("member_up", "Whether a member can be given work: 1 unless it is down or leaving.", "pool", "member")
	state       = desc("member_state", "1 for the state that a member is in.", "pool", "member", "state")
	connections = desc("member_connections", "Connections to a member: in use, idle, and requests queued for one.", "pool", "member", "use")
	connects    = desc("member_connects_total", "Connections made to a member, by result.", "pool", "member", "result")
	retries     = desc("retries_total", "Requests that came to a member after another had failed.", "pool", "member")
	faults      = desc("faults_total", "Requests a member failed, by what went wrong.", "pool", "member", "fault")
	sticky      = desc("sticky_requests_total", "Requests by what became of their session.", "pool", "outcome")

	probes       = desc("health_probes_total", "Health probes by result.", "pool", "member", "result")
	probeSeconds = desc("health_probe_seconds", "How long health probes took.", "pool", "member", "result")

	nodes      = desc("tribes_members", "Nodes heard in a group: matched with a member, waiting for their connector, or nobody's.", "group", "result")
	heartbeats = desc("tribes_heartbeats_total", "Datagrams of a group by what became of them.", "group", "result")
	lastHeard  = desc("tribes_last_heartbeat_timestamp_seconds", "When a member's node was last heard.", "pool", "member")
	found      = desc("findings", "What is wrong with the cluster, by severity.", "severity")

	reloads     = desc("config_reloads_total", "Attempts to load the configuration, by result.", "result")
	lastOK      = desc("config_last_reload_successful", "1 when the newest attempt was accepted.")
	lastSuccess = desc("config_last_reload_success_timestamp_seconds", "When a configuration was last accepted.")
	inSync      = desc("config_in_sync", "1 when the file says what is running.")
	version     = desc("table_version", "Number of the table in use; it rises with every change.")
	overrides   = desc("overrides", "Operators' wishes that hold, by kind.", "kind")

	kernelDrops = desc("kernel_drops_total", "Packets that a program in the kernel dropped, by rule.", "program", "reason")

	dropped = desc("access_records_dropped_total", "Access log records dropped because the disk was slow.")
	build   = desc("build_info", "Always 1; the labels say what is running.", "version", "revision")
)

// all is every metric, for Describe.
var all = []*prometheus.Desc{
	requests, duration, response, inFlight, requestBytes, responseBytes,
	up, state, connections, connects, retries, faults, sticky, probes, probeSeconds,
	nodes, heartbeats, lastHeard, found,
	reloads, lastOK, lastSuccess, inSync, version, overrides, kernelDrops, dropped, build,
}

// Names lists every metric that may be exported.
func Names() (out []string) {
	for _, d := range all {
		// Desc shows its name nowhere else.
		_, rest, _ := strings.Cut(d.String(), `fqName: "`)
		name, _, _ := strings.Cut(rest, `"`)
		out = append(out, name)
	}
	return out
}

// severities are the values of the label severity.
var severities = [3]string{"critical", "warning", "info"}

// statuses are the values of the label status, by index of meter.Member.Status.
var statuses = [6]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}
