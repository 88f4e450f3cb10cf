package meter

// Begin counts a request that was given to the member, at the time now in unix
// nanoseconds. Exactly one Done must follow.
func (m *Member) Begin(now int64) {
	m.InFlight.Add(1)
	m.Requests.Add(1)
	m.LastUsed.Store(now)
}

// Done ends what Begin began. status is the member's answer, 0 when there was
// none; in and out are body bytes sent to the member and got from it; totalNs
// is the whole request, firstByteNs the wait for the head of the answer, both
// in nanoseconds. A firstByteNs of 0 or less says that there was no head.
// Durations are only kept of requests that were answered: a refused connect
// would make a dead member look fast.
func (m *Member) Done(status int, in, out uint64, now, totalNs, firstByteNs int64) {
	m.InFlight.Add(-1)
	class := status / 100
	if status < 0 || class > 5 {
		class = 0
	}
	m.Status[class].Add(1)
	if in > 0 {
		m.BytesIn.Add(in)
	}
	if out > 0 {
		m.BytesOut.Add(out)
	}
	if class > 0 {
		m.Total.Observe(totalNs)
	}
	if firstByteNs > 0 {
		m.FirstByte.Observe(firstByteNs)
	}
}

// Fault counts a fault at the time now, unix nanoseconds, and puts it into the
// row that Good ends; it returns the length of the row. text is kept: a
// constant or a string built beforehand, in words for the operator. It
// allocates, which is why it is for faults only.
func (m *Member) Fault(kind FaultKind, now int64, text string) (row int) {
	if int(kind) >= FaultKinds {
		kind = FaultProtocol
	}
	m.Faults[kind].Add(1)
	m.LastFault.Store(&Fault{Kind: kind, At: now, Text: text})
	return int(m.FaultsInRow.Add(1))
}

// Good ends a row of faults. It writes only when there was one, so that the
// usual case leaves the cache line alone.
func (m *Member) Good() {
	if m.FaultsInRow.Load() != 0 {
		m.FaultsInRow.Store(0)
	}
}

// remarkEvery is how long the same remark is not repeated, in nanoseconds.
const remarkEvery = int64(60e9)

// Remark leaves a text for the operator about something that should be mended,
// at the time now in unix nanoseconds: a packet size, a secret. The same text is
// left once a minute at most, so that it costs nothing per request.
func (m *Member) Remark(now int64, text string) {
	if old := m.LastRemark.Load(); old != nil && old.Text == text && now-old.At < remarkEvery {
		return
	}
	m.LastRemark.Store(&Fault{Kind: FaultProtocol, At: now, Text: text})
}

// lateUnit is what one late answer counts in Member.late; the fraction keeps
// the halving from losing small numbers.
const lateUnit = 1024

// LateReply counts an answer that did not come in time, at the time now in unix
// nanoseconds, and returns how many there were in the last minutes: the number
// halves every minute, as mod_jk does it with its max_reply_timeouts. The caller
// compares it with the pool's limit.
func (m *Member) LateReply(now int64) int {
	m.late.Add(lateUnit, now)
	n := m.late.Value(now) / lateUnit
	m.ReplyTimeouts.Store(int32(min(n, 1<<31-1)))
	return int(n)
}

// Trip makes balance avoid the member until the given time, unix nanoseconds.
// A later end that was set already stays.
func (m *Member) Trip(until int64) {
	for {
		old := m.NotBefore.Load()
		if old >= until || m.NotBefore.CompareAndSwap(old, until) {
			return
		}
	}
}

// Untrip ends a trip at once, for a member that has proved itself.
func (m *Member) Untrip() {
	if m.NotBefore.Load() != 0 {
		m.NotBefore.Store(0)
	}
	m.Good()
}

// Tripped says whether the member is to be avoided at the time now, unix
// nanoseconds.
func (m *Member) Tripped(now int64) bool {
	until := m.NotBefore.Load()
	return until != 0 && now < until
}
