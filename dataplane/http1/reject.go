package http1

// Reject is a verdict on foreign bytes. The zero value means that there is
// nothing against them.
type Reject struct {
	// Status is the status code that the client is to get: a 4xx or 5xx for a
	// request, 502 for anything a member sent. 0 means accepted.
	Status int
	// Reason says in a few constant words what was wrong. It never holds a
	// byte of the message, so it may be logged and counted by.
	Reason string
}

// OK reports whether nothing was refused.
func (r Reject) OK() bool { return r.Status == 0 }

// Bounds of a head. The engine bounds the bytes, these bound the work.
const (
	// MaxFields is the number of fields a request may have unless
	// Request.FieldLimit says otherwise; one more is 431 (RFC 6585 section 5).
	MaxFields = 128
	// MaxResponseFields is the number of fields an answer of a member may have.
	MaxResponseFields = 1000
	// MaxMethod is the longest method in bytes.
	MaxMethod = 32
	// MaxTrailer is the size of a trailer section in bytes, its blank line
	// included.
	MaxTrailer = 8 << 10
	// MaxExtension is the size of the extensions of one chunk in bytes.
	MaxExtension = 256

	// maxOptions bounds the names in Connection fields: each of them is
	// compared with every field.
	maxOptions = 32
	// maxEmpty is how many empty lines SkipEmpty skips at once. RFC 9112
	// section 2.2 asks for one at least.
	maxEmpty = 4
)

func refuse(reason string) Reject { return Reject{Status: 400, Reason: reason} }

func fault(reason string) Reject { return Reject{Status: 502, Reason: reason} }

// Oversize is the verdict on a head that outgrew the engine's bound: 414 while
// not even the request line has ended, else 431.
func Oversize(b []byte) Reject {
	for _, c := range b {
		if c == '\n' {
			return Reject{Status: 431, Reason: "head too large"}
		}
	}
	return Reject{Status: 414, Reason: "request line too long"}
}

// Reasons that more than one place gives.
const (
	whyUnfinished   = "head without its blank line"
	whyAfterHead    = "bytes after the head"
	whyBareLF       = "bare line feed"
	whyBareCR       = "bare carriage return"
	whyFold         = "folded field line"
	whySpaceColon   = "space before the colon"
	whyNoColon      = "field line without a colon"
	whyFieldName    = "bad byte in a field name"
	whyFieldNoName  = "field without a name"
	whyFieldValue   = "control byte in a field value"
	whyTooMany      = "too many fields"
	whyOptions      = "too many connection options"
	whyVersion      = "bad protocol version"
	whyOldVersion   = "unsupported protocol version"
	whyCoding       = "transfer-encoding other than chunked"
	whyTwoCodings   = "several transfer-encoding fields"
	whyCodingOld    = "transfer-encoding with http/1.0"
	whyCodingLength = "content-length with transfer-encoding"
	whyLength       = "bad content-length"
	whyLengthBig    = "content-length too large"
	whyTwoLengths   = "several content-length fields"
	whyLengthsApart = "differing content-length values"
)
