package compile

import (
	"time"

	"github.com/catherd/catherd/controlplane/health"
)

// Free is the part of a member's threads that its newest beacon calls free, in
// percent: in steps of ten, so that a beacon seldom makes a table, and never
// below 10, because a member that gets nothing at all cannot show that it has
// recovered. 100 when there is no fresh beacon.
func Free(v *health.Verdict, now time.Time) int {
	all := v.Ready + v.Busy
	if !v.Loaded(now) || v.Ready < 0 || v.Busy < 0 || all <= 0 {
		return 100
	}
	// To the nearest step: a member that is all but idle has its whole share.
	return max(int((int64(v.Ready)*10+int64(all)/2)/int64(all))*10, 10)
}

// share is what remains of a share, in steps of ten when threads are taken.
func share(part, free int) int {
	if free >= 100 {
		return part
	}
	return max(part*free/1000*10, 10)
}
