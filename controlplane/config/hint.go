package config

import "strings"

// nearest returns the word that was most likely meant, or "" when none is
// near: at most one typing slip for each three letters, at least one. A
// hyphen for an underscore and the like count as one slip.
func nearest(got string, words []string) string {
	if len(got) > 64 {
		return "" // nothing we know is so long, and the distance is quadratic
	}
	best, bestDistance := "", max(1, len(got)/3)+1
	for _, word := range words {
		if d := distance(strings.ToLower(got), word); d < bestDistance {
			best, bestDistance = word, d
		}
	}
	return best
}

// distance is the number of insertions, removals, replacements and swaps of
// neighbours that turn a into b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before := make([]int, len(y)+1)
	last := make([]int, len(y)+1)
	this := make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		this[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			this[j] = min(last[j]+1, this[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				this[j] = min(this[j], before[j-2]+1)
			}
		}
		before, last, this = last, this, before
	}
	return last[len(y)]
}

// spokenElsewhere translates what people know from mod_jk and httpd.
var spokenElsewhere = map[string]string{
	"lbfactor": "weight", "loadfactor": "weight",
	"balance_workers": "members", "balancermember": "members", "BalancerMember": "members", "workers": "members",
	"host": "part of url", "port": "part of url", "type": "part of url",
	"method": "balance", "lbmethod": "balance",
	"sticky_session": "sticky", "stickysession": "sticky",
	"sticky_session_force": "sticky.on_loss: refuse", "nofailover": "sticky.on_loss: refuse",
	"activation": "state", "jvmRoute": "the member's name, or route", "jvm_route": "the member's name, or route",
	"socket_timeout": "timeouts.between_bytes", "reply_timeout": "timeouts.first_byte",
	"connect_timeout": "timeouts.connect", "prepost_timeout": "ping.timeout", "cping_timeout": "ping.timeout",
	"connection_pool_size": "connections.max", "cachesize": "connections.max",
	"connection_pool_timeout": "connections.keep_for", "cache_timeout": "connections.keep_for",
	"retries": "retry.attempts", "recover_time": "health.every", "JkMount": "routes", "packetSize": "max_packet_size",
}
