package report

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"ouroboros/scenarios/result"
)

// Format names a form of output.
type Format string

// The forms that [Write] knows.
const (
	Text     Format = "text"     // for a terminal
	Markdown Format = "markdown" // GitHub pipe tables
	LaTeX    Format = "latex"    // booktabs tables, to be \input into a document
	CSV      Format = "csv"      // all tables in one stream, each after a line "# name"
	JSON     Format = "json"     // one Document
)

// Formats lists the forms in the order in which help texts show them.
func Formats() []Format { return []Format{Text, Markdown, LaTeX, CSV, JSON} }

// ParseFormat returns the format of that name, or an error that lists the accepted names.
func ParseFormat(name string) (Format, error) {
	if f := Format(name); slices.Contains(Formats(), f) {
		return f, nil
	}
	names := make([]string, 0, len(Formats()))
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	return "", fmt.Errorf("format %q is unknown: use one of %s", name, strings.Join(names, ", "))
}

// errNoRuns is what every writer returns when it is given nothing to report.
var errNoRuns = errors.New("report: no runs")

// Write reports the runs to w. Runs that share scenario, mode and parameters are replications and are
// reported together; otherwise each gets its own part, in the order given. It neither changes nor keeps
// the runs. The error is that of w, or says that there are no runs or no such format.
func Write(w io.Writer, runs []result.Run, format Format) error {
	if len(runs) == 0 {
		return errNoRuns
	}
	switch format {
	case CSV:
		return writeAllCSV(w, runs)
	case JSON:
		return writeJSON(w, runs)
	}
	p, err := newPrinter(format)
	if err != nil {
		return err
	}
	out := &firstError{w: w}
	for i, reps := range replications(runs) {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if err := p.part(out, newPart(reps, i+1)); err != nil {
			return err
		}
	}
	return out.err
}

// firstError keeps the first error of a writer, so that printing code needs one check at its end.
type firstError struct {
	w   io.Writer
	err error
}

func (f *firstError) Write(b []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.w.Write(b)
	f.err = err
	return n, err
}
