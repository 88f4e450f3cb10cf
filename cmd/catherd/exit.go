package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/catherd/catherd/controlplane/admin"
)

// The exit codes.
const (
	exitFine      = 0
	exitFailed    = 1
	exitUsage     = 2
	exitUnhealthy = 3
	exitNoDaemon  = 4
)

// failure is an error with an exit code. An empty text means that everything
// has been said already.
type failure struct {
	code int
	text string
}

func (f *failure) Error() string { return f.text }

func failed(format string, args ...any) error {
	return &failure{exitFailed, fmt.Sprintf(format, args...)}
}

func misused(format string, args ...any) error {
	return &failure{exitUsage, fmt.Sprintf(format, args...)}
}

// silent ends with a code after everything has been printed.
func silent(code int) error { return &failure{code: code} }

// coded gives an error of an operation its code: asking a process that is not
// there has one of its own.
func coded(err error) error {
	switch {
	case err == nil || isFailure(err):
		return err
	case errors.Is(err, admin.ErrNobody):
		return &failure{exitNoDaemon, err.Error()}
	case errors.Is(err, context.Canceled):
		return failed("interrupted")
	default:
		return failed("%v", err)
	}
}

func isFailure(err error) bool {
	_, ok := errors.AsType[*failure](err)
	return ok
}

// exitCode finds the code of an error. One without a code comes from the
// command line parser: every verb's own errors have one.
func exitCode(err error) int {
	var f *failure
	switch {
	case err == nil:
		return exitFine
	case errors.As(err, &f):
		return f.code
	default:
		return exitUsage
	}
}
