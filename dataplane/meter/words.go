package meter

var faultWords = [FaultKinds]string{
	FaultDial:           "dial",
	FaultStale:          "stale",
	FaultBroken:         "broken",
	FaultTimeoutConnect: "connect-timeout",
	FaultTimeoutHead:    "first-byte-timeout",
	FaultTimeoutBody:    "between-bytes-timeout",
	FaultProtocol:       "protocol",
	FaultStatus:         "status",
	FaultFrozen:         "frozen",
	FaultPaused:         "paused",
}

// String is the word for the kind in status, logs and metrics.
func (k FaultKind) String() string {
	if int(k) < len(faultWords) {
		return faultWords[k]
	}
	return "unknown"
}

var outcomeWords = [Outcomes]string{
	Kept:    "stayed",
	New:     "new",
	Moved:   "moved",
	Unknown: "unknown",
}

// String is the word for the outcome in status, logs and metrics.
func (o Outcome) String() string {
	if int(o) < len(outcomeWords) {
		return outcomeWords[o]
	}
	return "unknown"
}
