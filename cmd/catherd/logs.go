package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/catherd/catherd/controlplane/config"
)

// newLog makes the program's own log: JSON, or text for people. The level may
// be changed while it is used.
func newLog(e *env, c config.Log, level *slog.LevelVar) *slog.Logger {
	setLevel(level, c.Level)
	if c.Format == "json" || c.Format != "text" && !e.terminal {
		return slog.New(slog.NewJSONHandler(e.stderr, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(&textHandler{out: &lockedWriter{w: e.stderr}, level: level, color: e.color()})
}

func setLevel(level *slog.LevelVar, word string) {
	switch word {
	case "debug":
		level.Set(slog.LevelDebug)
	case "warn":
		level.Set(slog.LevelWarn)
	case "error":
		level.Set(slog.LevelError)
	default:
		level.Set(slog.LevelInfo)
	}
}

// lockedWriter keeps lines of different goroutines apart.
type lockedWriter struct {
	mu sync.Mutex // guards w
	w  io.Writer
}

func (l *lockedWriter) WriteString(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.w, s)
}

// textHandler writes "14:02:11 member down  pool=app member=tomcat2 ...".
type textHandler struct {
	out   *lockedWriter
	level slog.Leveler
	color bool
	attrs []slog.Attr
}

// Enabled implements slog.Handler.
func (h *textHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// Handle implements slog.Handler.
func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Time.Format("15:04:05 "))
	msg := r.Message
	if h.color {
		switch {
		case r.Level >= slog.LevelError:
			msg = "\x1b[31m" + msg + "\x1b[0m"
		case r.Level >= slog.LevelWarn:
			msg = "\x1b[33m" + msg + "\x1b[0m"
		}
	}
	b.WriteString(msg)
	for _, a := range h.attrs {
		attr(&b, a)
	}
	r.Attrs(func(a slog.Attr) bool { attr(&b, a); return true })
	b.WriteByte('\n')
	h.out.WriteString(b.String())
	return nil
}

// attr writes one attribute; what has blanks or control characters is quoted.
func attr(b *strings.Builder, a slog.Attr) {
	text := a.Value.Resolve().String()
	quote := text == ""
	for _, c := range text {
		if c <= ' ' || c == '"' || c == 0x7f {
			quote = true
		}
	}
	if quote {
		fmt.Fprintf(b, "  %s=%q", a.Key, text)
		return
	}
	b.WriteString("  " + a.Key + "=" + text)
}

// WithAttrs implements slog.Handler.
func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *h
	more.attrs = append(append([]slog.Attr{}, h.attrs...), attrs...)
	return &more
}

// WithGroup implements slog.Handler. Groups are not shown.
func (h *textHandler) WithGroup(string) slog.Handler { return h }
