package logging

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// level is a level by the letters that the prototype prints (spec 13 §13.5).
type level struct {
	letters string
	color   string // escape sequence
}

// The levels.
var (
	debug = level{"DB", "\x1b[37m"}
	info  = level{"II", "\x1b[32m"}
	warn  = level{"WW", "\x1b[33m"}
	fault = level{"EE", "\x1b[91m"}
)

func levelOf(l slog.Level) level {
	switch {
	case l < slog.LevelInfo:
		return debug
	case l < slog.LevelWarn:
		return info
	case l < slog.LevelError:
		return warn
	}
	return fault
}

// component is the attribute whose value stands in front of a line instead of among the attributes.
const component = "component"

// handler is a slog.Handler of text lines: the message, then the attributes.
type handler struct {
	q     *Queue
	form  func(l level, component, text string) []byte
	least slog.Level
	comp  string
	attrs string // of With, in text
	group string
}

// Enabled reports whether lines of the level are written.
func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.least }

// Handle writes a line.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	b.WriteString(h.attrs)
	comp := h.comp
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == component && h.group == "" {
			comp = a.Value.String()
		} else {
			attr(&b, h.group, a)
		}
		return true
	})
	l := levelOf(r.Level)
	h.q.put(line{l, h.form(l, comp, b.String())})
	return nil
}

// WithAttrs returns a handler that adds attributes to each line.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	var b strings.Builder
	for _, a := range attrs {
		if a.Key == component && h.group == "" {
			c.comp = a.Value.String()
			continue
		}
		attr(&b, h.group, a)
	}
	c.attrs += b.String()
	return &c
}

// WithGroup returns a handler that puts a name before those of attributes.
func (h *handler) WithGroup(name string) slog.Handler {
	c := *h
	if name != "" {
		c.group += name + "."
	}
	return &c
}

// attr prints one attribute. Values with blanks or control characters are quoted, so that a line stays a line.
func attr(b *strings.Builder, group string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, x := range v.Group() {
			attr(b, group, x)
		}
		return
	}
	text := v.String()
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == '"' || r == '=' || r == 0x7f }) {
		text = fmt.Sprintf("%q", text)
	}
	fmt.Fprintf(b, " %s%s=%s", group, a.Key, text)
}

// clean keeps a message on one line.
func clean(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return text
	}
	q := fmt.Sprintf("%q", text)
	return q[1 : len(q)-1]
}
