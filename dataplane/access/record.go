package access

// End says who ended a request and when, in the words of the access log.
type End uint8

// The ends.
const (
	OK                End = iota // answered, all of it delivered
	BadRequest                   // refused by us: the request breaks HTTP
	NoRoute                      // no route matches
	NoMember                     // no member can serve
	QueueFull                    // no place to wait for a connection
	QueueTimeout                 // no connection became free in time
	Refused                      // the session's member is gone and on_loss is refuse
	ClientClosed                 // the client went away
	ClientTimeout                // the client sent or took nothing for too long
	MemberUnreachable            // no connection could be made
	MemberBroke                  // the connection broke before the answer
	MemberBrokeBody              // it broke in the middle of the answer
	MemberTimeout                // no answer in time
	MemberTimeoutBody            // silence in the middle of the answer
	MemberProtocol               // the answer breaks the protocol
	HeadTooLarge                 // the request does not fit the AJP packet
	Unsupported                  // refused by us: not possible over this protocol
	Redirected                   // answered by us with a redirect
	Upgraded                     // became a tunnel, which has ended
	ends
)

var endNames = [ends]string{
	"ok", "bad_request", "no_route", "no_member", "queue_full", "queue_timeout", "session_refused",
	"client_closed", "client_timeout", "member_unreachable", "member_broke", "member_broke_body",
	"member_timeout_headers", "member_timeout_body", "member_protocol", "head_too_large",
	"unsupported", "redirected", "upgraded",
}

// String is the word of the access log.
func (e End) String() string {
	if e < ends {
		return endNames[e]
	}
	return "unknown"
}

// Text is a bounded copy of bytes from a request. What does not fit is cut.
type Text struct {
	n uint16
	b [256]byte
}

// Set copies s.
func (t *Text) Set(s []byte) { t.n = uint16(copy(t.b[:], s)) }

// Bytes is the copy.
func (t *Text) Bytes() []byte { return t.b[:t.n] }

// Short is Text for what is short: methods, hosts, addresses.
type Short struct {
	n uint8
	b [63]byte
}

// Set copies s.
func (t *Short) Set(s []byte) { t.n = uint8(copy(t.b[:], s)) }

// Bytes is the copy.
func (t *Short) Bytes() []byte { return t.b[:t.n] }

// Record is what is known of one finished request. Times are nanoseconds.
type Record struct {
	Start   int64 // unix
	Queue   int64 // until a connection was ours, connecting not included
	Connect int64 // connecting
	First   int64 // from the end of the request to the head of the answer
	Total   int64

	In, Out uint64 // body bytes from and to the client
	Status  uint16
	Minor   uint8
	TLS     bool
	End     End
	Attempt uint8 // members tried
	Session uint8 // meter.Outcome + 1; 0: no pool was asked

	Method, Client, Host Short
	Target               Text
	Referer, UserAgent   Text

	// Names of the table the request was served from: strings, not views.
	Pool, Member, Route string
}
