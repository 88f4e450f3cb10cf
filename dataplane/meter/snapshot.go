package meter

// Snapshot is a Member in plain numbers, for status.
type Snapshot struct {
	InFlight int64  `json:"in_flight"`
	Requests uint64 `json:"requests"`
	LastUsed int64  `json:"last_used_unix_ns"`

	NoAnswer  uint64 `json:"no_answer"`
	Status1xx uint64 `json:"status_1xx"`
	Status2xx uint64 `json:"status_2xx"`
	Status3xx uint64 `json:"status_3xx"`
	Status4xx uint64 `json:"status_4xx"`
	Status5xx uint64 `json:"status_5xx"`
	BytesIn   uint64 `json:"bytes_in"`
	BytesOut  uint64 `json:"bytes_out"`
	Retries   uint64 `json:"retries"`

	// Faults and Sessions have one entry, by its word, for each kind that ever happened.
	Faults   map[string]uint64 `json:"faults"`
	Sessions map[string]uint64 `json:"sessions"`

	FaultsInRow   int32          `json:"faults_in_row"`
	ReplyTimeouts int32          `json:"reply_timeouts"`
	NotBefore     int64          `json:"not_before_unix_ns"`
	LastFault     *FaultSnapshot `json:"last_fault,omitempty"`

	Open            int64  `json:"connections_open"`
	Idle            int64  `json:"connections_idle"`
	Queued          int64  `json:"queued"`
	Connects        uint64 `json:"connects"`
	ConnectFailures uint64 `json:"connect_failures"`
	Pings           uint64 `json:"pings"`
	PingsFailed     uint64 `json:"pings_failed"`

	Learned string `json:"learned_route,omitempty"`

	Total     Quantiles `json:"duration"`
	FirstByte Quantiles `json:"first_byte"`
}

// FaultSnapshot is a Fault with JSON names.
type FaultSnapshot struct {
	Kind string `json:"kind"`
	At   int64  `json:"at_unix_ns"`
	Text string `json:"text"`
}

// Quantiles are the usual points of a Distribution, in seconds.
type Quantiles struct {
	Count uint64  `json:"count"`
	Sum   float64 `json:"sum_seconds"`
	P50   float64 `json:"p50_seconds"`
	P90   float64 `json:"p90_seconds"`
	P99   float64 `json:"p99_seconds"`
}

// Quantiles works out the usual points.
func (d *Distribution) Quantiles() Quantiles {
	s := func(ns int64) float64 { return float64(ns) / 1e9 }
	return Quantiles{
		Count: d.Count,
		Sum:   float64(d.SumNs) / 1e9,
		P50:   s(d.Quantile(0.50)),
		P90:   s(d.Quantile(0.90)),
		P99:   s(d.Quantile(0.99)),
	}
}

// Read copies the numbers. Each is right for itself; requests that end
// meanwhile may be in one and not yet in another.
func (m *Member) Read() Snapshot {
	total, first := m.Total.Snapshot(), m.FirstByte.Snapshot()
	s := Snapshot{
		InFlight:        m.InFlight.Load(),
		Requests:        m.Requests.Load(),
		LastUsed:        m.LastUsed.Load(),
		NoAnswer:        m.Status[0].Load(),
		Status1xx:       m.Status[1].Load(),
		Status2xx:       m.Status[2].Load(),
		Status3xx:       m.Status[3].Load(),
		Status4xx:       m.Status[4].Load(),
		Status5xx:       m.Status[5].Load(),
		BytesIn:         m.BytesIn.Load(),
		BytesOut:        m.BytesOut.Load(),
		Retries:         m.Retries.Load(),
		Faults:          map[string]uint64{},
		Sessions:        map[string]uint64{},
		FaultsInRow:     m.FaultsInRow.Load(),
		ReplyTimeouts:   m.ReplyTimeouts.Load(),
		NotBefore:       m.NotBefore.Load(),
		Open:            m.Open.Load(),
		Idle:            m.Idle.Load(),
		Queued:          m.Queued.Load(),
		Connects:        m.Connects.Load(),
		ConnectFailures: m.ConnectFailures.Load(),
		Pings:           m.Pings.Load(),
		PingsFailed:     m.PingsFailed.Load(),
		Total:           total.Quantiles(),
		FirstByte:       first.Quantiles(),
	}
	for k := range m.Faults {
		if n := m.Faults[k].Load(); n > 0 {
			s.Faults[FaultKind(k).String()] = n
		}
	}
	for o := range m.Sessions {
		if n := m.Sessions[o].Load(); n > 0 {
			s.Sessions[Outcome(o).String()] = n
		}
	}
	if f := m.LastFault.Load(); f != nil {
		s.LastFault = &FaultSnapshot{Kind: f.Kind.String(), At: f.At, Text: f.Text}
	}
	if r := m.Route(); r != nil {
		s.Learned = r.Name
	}
	return s
}
