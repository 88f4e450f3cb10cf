package meter

// Owed is what a member owes at one moment. The data path makes it of what is
// noted beside each connection; nothing of it is counted in Member, because a
// word that every request of a member writes twice is dear and one that only
// its own connection writes is not.
//
// A request counts from the moment in which it is written to a connection until
// the first byte of the member's answer has been read. Interim answers (1xx) and
// a packet that asks for more of the body (GET_BODY_CHUNK) are bytes of the
// member: the wait begins anew behind them. Not counted are requests that wait
// for a connection (Member.Queued), uploads to HTTP members whose body is still
// on its way, and upgraded connections.
type Owed struct {
	Waiting int   // requests that wait for the first byte of an answer
	Since   int64 // unix nanoseconds when the oldest of them was sent; 0: none waits
	// LastByte is when the member last began an answer, or asked for more of a
	// body, in unix nanoseconds; 0: never. Bytes inside of an answer do not
	// move it: a member that sends a long one while others wait may seem silent,
	// and a ping clears that up.
	LastByte int64
}

// Silent is since when the member owes an answer and has not begun one, in unix
// nanoseconds; 0: it owes nothing. It is what controlplane/health wants to
// know: a member that answers others is not silent, however long one waits.
func (o *Owed) Silent() int64 {
	if o.Waiting == 0 {
		return 0
	}
	return max(o.Since, o.LastByte)
}
