package dataplane

import (
	"time"

	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// Owes tells what a member owes at this moment: how many requests wait for the
// first byte of an answer, since when, and when it last began one. ok is false
// when the newest table lacks the member. It looks at each of the member's
// connections, so it is for a few calls a second.
func (e *Engine) Owes(id table.ID) (o meter.Owed, ok bool) { return e.proxy.Owes(id) }

// DropEnded closes the kept connections of a member that it has ended, as somebody
// has noticed who sees that sooner than they are used; it returns how many they were.
// What the newest table lacks has none. It looks at each of them, so it is for a few
// calls a second.
func (e *Engine) DropEnded(id table.ID) int {
	return e.proxy.DropEnded(id, time.Now().UnixNano())
}

// Abandon gives a member up that is known to be of no use, a frozen or dead one: safe
// requests of whose answers nothing has come are repeated elsewhere within
// Retry.Attempts, those that wait for a connection to it go elsewhere whatever
// their method, and new ones avoid it for a second. Everything else goes on
// waiting: unsafe methods, sessions that no other member may serve (on_loss:
// refuse), requests without an attempt left. When the newest table has nobody
// else, it does nothing. It returns how many requests left.
//
// Call it once for each tick in which the member is still frozen and in the
// table: requests that had chosen it a moment before are caught by the next call.
func (e *Engine) Abandon(id table.ID, why string) int {
	return e.proxy.Abandon(id, why, time.Now().UnixNano())
}
