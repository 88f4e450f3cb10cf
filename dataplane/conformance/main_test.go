package conformance

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/catherd/catherd/dataplane/enginetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(enginetest.Both{M: m}, enginetest.Leaks()) }
