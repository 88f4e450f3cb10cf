package doctor

import "time"

// signs are the answers of one examination, as they came. diagnose makes
// findings of them; nothing here is a judgement.
type signs struct {
	reach reach
	ping  ping
	tls   secure

	// Of AJP the first is asked without request attributes, the second with
	// them. Of HTTP there is only the first.
	plain, full answer
	refused     []string // the attributes whose absence made full succeed
	bare        answer   // without the secret that plain had
	elsewhere   answer   // with the Host localhost, when plain got 400 or 404

	fits    int // largest head in bytes that was taken, when one of our size was not
	largest int // largest packet in bytes that came
	asked   int // packet size in bytes by GET_BODY_CHUNK, 0 when none came

	crowd, threads limit
	idle, fresh    idle
	keepAlive      time.Duration // announced by the HTTP field Keep-Alive
}

// reach is how the connect went.
type reach struct {
	fault connectFault
	text  string   // what the system said, for faults without a name
	other []string // addresses of this machine where the port accepts
	local bool     // the address is one of this machine
}

// connectFault names a fault of a connect.
type connectFault string

// The faults of a connect.
const (
	reached     connectFault = ""
	refused     connectFault = "refused"
	noAnswer    connectFault = "timeout"
	noHost      connectFault = "no-host"   // the name server says so
	noName      connectFault = "no-answer" // the name server does not answer
	unreachable connectFault = "unreachable"
	otherFault  connectFault = "other"
)

// ping is what a CPING led to.
type ping struct {
	outcome outcome
	took    time.Duration // until the CPONG, or how long it was waited for
	heard   []byte        // at most sniffed bytes that are no CPONG
}

// outcome of a question.
type outcome string

// The outcomes.
const (
	notAsked outcome = ""
	answered outcome = "answered" // in time
	late     outcome = "late"     // behind its time-out
	silent   outcome = "silent"   // not within our patience
	strange  outcome = "strange"  // with something that is no answer
	closed   outcome = "closed"   // without a byte
	reset    outcome = "reset"
)

// secure is how a TLS handshake went.
type secure struct {
	outcome outcome // strange: the certificate is not accepted, or no TLS came
	text    string
	heard   []byte // what came in place of TLS
}

// answer is the answer to one request.
type answer struct {
	outcome  outcome // answered: a status came
	status   int
	end      bool // the answer was complete
	reuse    bool // its last word: the connection may be used again
	location string
	body     []byte // its begin, health.MaxBody bytes at the most
	heard    []byte
	needsTLS bool // the body says so (HTTP on a TLS port, Tomcat 8.5 and later)
	ajpPort  bool // a CPING to the same port was answered
	fault    string
	took     time.Duration
}

// connectors says that the connector refused, not the application: a page of
// an application ends with reuse 1 (Tomcat 7.0 to 11.0).
func (a *answer) connectors() bool { return a.status >= 400 && a.end && !a.reuse }

// limit is how many were served at a time.
type limit struct {
	tried  int // 0: not looked for
	served int // fewer than tried when the limit was found
}

// found says whether fewer were served than tried.
func (l limit) found() bool { return l.served < l.tried }

// idle is what became of an unused connection.
type idle struct {
	watched time.Duration // 0: not looked at
	shut    bool          // the peer closed it while it was watched
	deaf    bool          // it stayed open and did not answer when it was used again
}
