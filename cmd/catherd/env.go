package main

import (
	"context"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// env is everything a verb touches outside of its arguments, so that tests can
// run it inside their own process.
type env struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	// terminal says whether stderr is one. Talk has colours and progress then.
	terminal bool
	// signals brings the signals of a running process; the function ends that.
	signals func() (<-chan os.Signal, func())
	// again starts another process like this one; nil: it cannot be started again.
	again *again

	// Global flags.
	config  string
	socket  string
	output  string
	quiet   bool
	noColor bool
}

// system is the env of a real process.
func system() *env {
	return &env{
		stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv,
		terminal: isTerminal(os.Stderr), signals: osSignals, again: ownProgram(),
	}
}

// color says whether talk may be coloured (https://no-color.org).
func (e *env) color() bool {
	return e.terminal && !e.noColor && e.getenv("NO_COLOR") == ""
}

// json says whether facts are wanted as JSON.
func (e *env) json() bool { return e.output == "json" }

// isTerminal asks the kernel for terminal settings, which only terminals have.
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// pause waits, and says whether ctx let it.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
