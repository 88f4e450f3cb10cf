package catalina

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		no, n := errors.New("not yet"), 0
		if err := Poll(t.Context(), time.Second, func() error {
			if n++; n < 3 {
				return no
			}
			return nil
		}); err != nil || n != 3 {
			t.Errorf("%v after %d questions", err, n)
		}
		err := Poll(t.Context(), time.Second, func() error { return no })
		if !errors.Is(err, no) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("in vain: %v", err)
		}
	})
}
