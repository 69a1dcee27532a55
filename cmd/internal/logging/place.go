package logging

import (
	"fmt"
	"io"
	"log/slog"
	"log/syslog"
	"os"
	"strings"

	"github.com/coreos/go-systemd/v22/journal"
)

// Options say what is written and how.
type Options struct {
	Component string     // of lines that name none
	Level     slog.Level // the least that is written
	Color     bool       // of the levels in Text
}

// Text returns a logger that writes lines in the form of the prototype: "==00012== irmd(II): Created IPCP 36."
// (spec 13 §13.5).
func Text(w io.Writer, o Options) (*slog.Logger, *Queue) {
	t := &text{w: w, pid: os.Getpid(), o: o}
	q := newQueue(t)
	return slog.New(&handler{q: q, form: t.form, least: o.Level, comp: o.Component}), q
}

// text writes the form of the prototype.
type text struct {
	w   io.Writer
	pid int
	o   Options
}

func (t *text) form(l level, comp, msg string) []byte {
	letters := l.letters
	if t.o.Color {
		letters = l.color + letters + "\x1b[0m"
	}
	return fmt.Appendf(nil, "==%05d== %s(%s): %s\n", t.pid, comp, letters, clean(msg))
}

func (t *text) note(msg string) line { return line{warn, t.form(warn, t.o.Component, msg)} }

func (t *text) write(l line) error {
	_, err := t.w.Write(l.text)
	return err
}

// JSON returns a logger that writes one JSON object a line.
func JSON(w io.Writer, o Options) (*slog.Logger, *Queue) {
	q := newQueue(&object{w: w, o: o})
	h := slog.NewJSONHandler(lines{q}, &slog.HandlerOptions{Level: o.Level})
	return slog.New(h).With("pid", os.Getpid(), component, o.Component), q
}

// lines puts what a handler writes, a line at a time, into a queue.
type lines struct{ q *Queue }

func (l lines) Write(b []byte) (int, error) {
	l.q.put(line{info, append([]byte(nil), b...)})
	return len(b), nil
}

// object writes JSON.
type object struct {
	w io.Writer
	o Options
}

func (p *object) note(msg string) line {
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Warn(msg, "pid", os.Getpid(), component, p.o.Component)
	return line{warn, []byte(b.String())}
}

func (p *object) write(l line) error {
	_, err := p.w.Write(l.text)
	return err
}

// System returns a logger for the log of the system: the journal of systemd where there is one, else syslog, else
// the standard error.
func System(name string, o Options) (*slog.Logger, *Queue) {
	var to place
	switch w, err := syslog.New(syslog.LOG_DAEMON|syslog.LOG_INFO, name); {
	case journal.Enabled():
		to = books{name}
	case err == nil:
		to = syslogPlace{w}
	default:
		return Text(os.Stderr, o)
	}
	q := newQueue(to)
	form := func(_ level, comp, msg string) []byte { return []byte(comp + ": " + clean(msg)) }
	return slog.New(&handler{q: q, form: form, least: o.Level, comp: o.Component}), q
}

// books is the journal of systemd.
type books struct{ name string }

func (books) note(msg string) line { return line{warn, []byte(msg)} }

func (b books) write(l line) error {
	return journal.Send(string(l.text), priorities[l.level.letters], map[string]string{"SYSLOG_IDENTIFIER": b.name})
}

var priorities = map[string]journal.Priority{
	debug.letters: journal.PriDebug, info.letters: journal.PriInfo, warn.letters: journal.PriWarning, fault.letters: journal.PriErr,
}

// syslogPlace is the logger of the system.
type syslogPlace struct{ w *syslog.Writer }

func (syslogPlace) note(msg string) line { return line{warn, []byte(msg)} }

func (p syslogPlace) write(l line) error {
	switch m := string(l.text); l.level {
	case debug:
		return p.w.Debug(m)
	case warn:
		return p.w.Warning(m)
	case fault:
		return p.w.Err(m)
	default:
		return p.w.Info(m)
	}
}
