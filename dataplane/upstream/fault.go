package upstream

import "github.com/catherd/catherd/dataplane/meter"

// Kind says what ended an attempt to have a member answer a request.
type Kind uint8

// The kinds. Up to Stale nothing of the request has been sent.
const (
	None           Kind = iota
	QueueFull           // no place to wait for a connection
	QueueTimeout        // no connection became free in time
	Evicted             // the member was given up while the request waited for a connection
	Dial                // no connection could be made
	DialTimeout         // nor within Timeouts.Connect
	Stale               // the pooled connection was closed before a byte was taken
	Unread              // sent, but the member closed without having read it
	Paused              // sent, but the member's connector was paused: no application has seen it
	Abandoned           // sent, but the member was given up before the first byte of the answer
	Broken              // the connection broke before the first byte of the answer
	BrokenBody          // it broke in the middle of the answer
	TimeoutHead         // no answer within Timeouts.FirstByte
	TimeoutBody         // silence in the middle of the answer
	Protocol            // the answer breaks the protocol
	Status              // a status of Pool.FailOnStatus
	Unavailable         // 503, where Retry.Unavailable has another member asked
	TooLarge            // the request head does not fit the AJP packet
	ClientGone          // the client broke the connection
	ClientTimeout       // the client sent or took nothing for too long
	ClientProtocol      // the client's body broke the protocol
	ClientTooLarge      // the client's body is larger than Limits.BodySize
)

// Fault is the end of an attempt: a value, because it is made on the hot path.
type Fault struct {
	Kind Kind
	Text string // for people: "connect refused"; constant or made on failure only
}

// OK reports whether the attempt succeeded.
func (f Fault) OK() bool { return f.Kind == None }

// Member reports whether the member is to blame, and as what. Evicted and
// Abandoned are no findings of a request: who gave the member up has counted it.
func (f Fault) Member() (meter.FaultKind, bool) {
	switch f.Kind {
	case Dial:
		return meter.FaultDial, true
	case DialTimeout:
		return meter.FaultTimeoutConnect, true
	case Stale:
		return meter.FaultStale, true
	case Paused:
		return meter.FaultPaused, true
	case Broken, BrokenBody, Unread:
		return meter.FaultBroken, true
	case TimeoutHead:
		return meter.FaultTimeoutHead, true
	case TimeoutBody:
		return meter.FaultTimeoutBody, true
	case Protocol:
		return meter.FaultProtocol, true
	case Status:
		return meter.FaultStatus, true
	}
	return 0, false
}

// Unsent reports whether it is certain that no byte of the request was taken by
// the member, so that any method may be tried elsewhere.
func (f Fault) Unsent() bool { return f.Kind >= QueueFull && f.Kind <= Stale }
