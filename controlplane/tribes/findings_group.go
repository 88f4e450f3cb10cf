package tribes

import "fmt"

// listening: whether anything can be heard at all.
func (d *doctor) listening() {
	g := d.group
	switch {
	case !g.Facts.Joined && !g.Facts.Since.IsZero():
		d.say(Finding{
			Severity: Critical, Code: "not-joined", Subject: g.Group, Since: g.Facts.Since,
			What:  "the group is not listened to: " + g.Facts.Problem,
			Cause: "no heartbeat can arrive; members are judged by probes alone",
			Cure:  "set tribes.interface to an interface of this host, or one of its addresses",
		})
		return
	case g.Facts.Joined && g.Facts.Problem != "":
		d.say(Finding{
			Severity: Warning, Code: "interface-down", Subject: g.Group,
			What:  g.Facts.Problem,
			Cause: "no heartbeat can arrive; members are judged by probes alone",
			Cure:  "bring the interface up, or name another one in tribes.interface",
		})
	}
	if !g.Status.DeafSince.IsZero() {
		d.say(Finding{
			Severity: Warning, Code: "nobody-heard", Subject: g.Group, Since: g.Status.DeafSince,
			What:  fmt.Sprintf("no member has been heard for %s; before that several were", span(d.Now.Sub(g.Status.LastHeard))),
			Cause: "multicast no longer reaches this host (switch, IGMP snooping without a querier, firewall), or all members are gone",
			Cure:  "let the firewall pass UDP to the group; turn on an IGMP querier; compare with what the members' own logs say about each other",
		})
		return
	}
	silent := g.Status.LastHeard.IsZero() && g.Facts.Joined && d.Now.Sub(g.Facts.Since) >= settleTime
	expected := 0
	for _, m := range d.Members {
		if m.Group == g.Group && m.Routable && d.Now.Sub(m.Since) >= settleTime {
			expected++
		}
	}
	if silent && expected > 0 {
		d.say(Finding{
			Severity: Warning, Code: "never-heard", Subject: g.Group, Since: g.Facts.Since,
			What:  fmt.Sprintf("no heartbeat has ever come, though %d members answer probes", expected),
			Cause: "another group or port than in server.xml, another interface, multicast that is not passed on, or a <Cluster> that is not there",
			Cure:  "compare tribes.group with <Membership address= port=> and tribes.interface with the network of the members",
		})
	}
}

// attacks: what no healthy cluster does.
func (d *doctor) attacks() {
	for _, n := range d.group.Nodes {
		if d.within(n.SuspectAt, attackTime) {
			d.say(Finding{
				Severity: Critical, Code: "forged-stop", Subject: n.Receiver.String(), Since: n.SuspectAt,
				What:  fmt.Sprintf("a stop of %s came from %s, %s; it was not believed", n.Receiver, n.SuspectFrom, n.mistrust()),
				Cause: "somebody in the group sends commands for others: every Tomcat that hears this drops the member at once",
				Cure:  "find the sender; keep strangers out of the group (own network, firewall): heartbeats are not authenticated, not even with EncryptInterceptor",
			})
		}
		if d.within(n.ForeignAt, recentTime) {
			d.say(Finding{
				Severity: Warning, Code: "foreign-source", Subject: n.Receiver.String(), Since: n.ForeignAt,
				What:  fmt.Sprintf("the id of %s is used from %s as well, its own heartbeats come from %s", n.Receiver, n.ForeignFrom, n.Source.Addr()),
				Cause: "forged heartbeats, or one Tomcat whose heartbeats reach this host on two ways",
				Cure:  "find the sender, or set <Membership bind=...> so that the Tomcat sends through one interface",
			})
		}
	}
	s := d.group.Status
	if d.within(s.FullAt, recentTime) {
		d.say(Finding{
			Severity: Critical, Code: "table-full", Subject: d.group.Group, Since: s.FullAt,
			What:  fmt.Sprintf("more members than are kept: %d were thrown out, %d heartbeats turned away", s.Evicted, s.Refused),
			Cause: "somebody invents members; known ones are not touched, new ones may need some seconds to be seen",
			Cure:  "find the sender and keep strangers out of the group",
		})
	}
	if d.within(s.LostAt, recentTime) {
		d.say(Finding{
			Severity: Warning, Code: "overrun", Subject: d.group.Group, Since: s.LostAt,
			What:  fmt.Sprintf("%d datagrams were thrown away unread because there were too many", s.Skipped),
			Cause: "a flood, or a program that broadcasts data to the group; silence of members is not counted while it lasts",
			Cure:  "find the sender; do not use the send option multicast (0x40) for data",
		})
	}
}

// identities: two that say they are one.
func (d *doctor) identities() {
	alive := map[ID]int{}
	for _, n := range d.group.Nodes {
		if n.State == Alive {
			alive[n.ID]++
		}
	}
	for _, n := range d.group.Nodes {
		if n.State == Alive && alive[n.ID] > 1 {
			d.say(Finding{
				Severity: Warning, Code: "duplicate-id", Subject: n.Receiver.String(), Since: n.FirstHeard,
				What:  fmt.Sprintf("%s uses the unique id %s, and so does another member", n.Receiver, n.ID),
				Cause: "a uniqueId that was copied with a StaticMember entry, or a forged member: messages for one may be taken for the other",
				Cure:  "give every StaticMember its own uniqueId; McastService draws one by itself",
			})
		}
		if d.within(n.ConflictAt, recentTime) {
			d.say(Finding{
				Severity: Critical, Code: "receiver-conflict", Subject: n.Receiver.String(), Since: n.ConflictAt,
				What:  fmt.Sprintf("two members with the ids %s and %s say that they are %s", n.ID, n.ConflictID, n.Receiver),
				Cause: "two Tomcats with one Receiver address and port, as behind NAT or with 127.0.0.1 on two hosts, or a forged member",
				Cure:  "give each its own <Receiver address= port=> (autoBind finds a free port on one host)",
			})
		}
		if d.within(n.BackwardAt, recentTime) {
			d.say(Finding{
				Severity: Info, Code: "age-backwards", Subject: n.Receiver.String(), Since: n.BackwardAt,
				What:  fmt.Sprintf("the age of %s went back to %s without a new id", n.Receiver, span(d.Now.Sub(n.Started))),
				Cause: "its cluster was restarted inside the JVM, or somebody replays old datagrams",
				Cure:  "nothing, if somebody did the first; the members ask the oldest one for sessions, so a wrong age has effects there",
			})
		}
	}
}

// habits: heartbeats too slow for the time they are given.
func (d *doctor) habits() {
	for _, n := range d.group.Nodes {
		if n.State != Alive || n.Beats < 10 || d.group.DropAfter <= 0 || 2*n.Interval <= d.group.DropAfter {
			continue
		}
		d.say(Finding{
			Severity: Warning, Code: "slow-heartbeat", Subject: n.Receiver.String(), Since: n.FirstHeard,
			What:  fmt.Sprintf("%s sends a heartbeat every %s, and counts as silent after %s", n.Receiver, span(n.Interval), d.group.DropAfter),
			Cause: "one lost datagram makes it silent",
			Cure:  "raise tribes.drop_after to at least " + span(3*n.Interval) + ", or lower <Membership frequency=> in its server.xml",
		})
	}
}
