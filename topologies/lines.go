package topologies

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxLine bounds one line of a text format in bytes.
const maxLine = 64 << 10

// lineReader cuts a text format into lines of fields. A field is a word, or a
// Go string literal in double quotes; "#" at the start of a field begins a comment.
type lineReader struct {
	*draft
	scan *bufio.Scanner
	line int
}

// field is one column of a line. A quoted field is never a placeholder.
type field struct {
	text   string
	quoted bool
}

// unknown reports the placeholder "-" for a value that is not known.
func (f field) unknown() bool { return f.text == "-" && !f.quoted }

func newLineReader(d *draft, r io.Reader) *lineReader {
	l := &lineReader{draft: d, scan: bufio.NewScanner(&limitReader{r: r, left: d.opts.limits.Bytes})}
	l.scan.Buffer(nil, maxLine)
	return l
}

// next returns the fields of the next line that has any, or io.EOF.
func (l *lineReader) next() ([]field, error) {
	for l.scan.Scan() {
		l.line++
		text := l.scan.Text()
		if l.line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if !utf8.ValidString(text) {
			return nil, l.errorf(l.line, "", "", "not UTF-8 text")
		}
		fields, err := l.split(text)
		if err != nil || len(fields) > 0 {
			return fields, err
		}
	}
	switch err := l.scan.Err(); {
	case err == nil:
		return nil, io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		return nil, l.errorf(l.line+1, "", "", "line too long: accepted: at most %d bytes", maxLine)
	case errors.Is(err, errTooLong):
		return nil, l.errorf(0, "", "", "larger than the limit of %d bytes", l.opts.limits.Bytes)
	default:
		return nil, l.wrap(l.line+1, err, "reading")
	}
}

func (l *lineReader) split(s string) ([]field, error) {
	var fields []field
	for {
		s = strings.TrimSpace(s)
		if s == "" || s[0] == '#' {
			return fields, nil
		}
		if s[0] != '"' {
			end := strings.IndexFunc(s, unicode.IsSpace)
			if end < 0 {
				end = len(s)
			}
			fields = append(fields, field{text: s[:end]})
			s = s[end:]
			continue
		}
		lit, err := strconv.QuotedPrefix(s)
		if err != nil {
			return nil, l.errorf(l.line, "name", s, "accepted: a closing double quote, and the escapes of Go")
		}
		text, err := strconv.Unquote(lit)
		if err != nil || !utf8.ValidString(text) {
			return nil, l.errorf(l.line, "name", lit, "accepted: a quoted string of UTF-8 text")
		}
		fields = append(fields, field{text: text, quoted: true})
		s = s[len(lit):]
	}
}

// delay reads a delay column.
func (l *lineReader) delay(f field) (time.Duration, bool, error) {
	if f.unknown() {
		return 0, false, nil
	}
	d, err := time.ParseDuration(f.text)
	if err != nil || d < 0 {
		return 0, false, l.errorf(l.line, "delay", f.text, `accepted: 0s or more with a unit such as 2.5ms, or "-" for unknown`)
	}
	return d, true, nil
}

// rate reads a rate column.
func (l *lineReader) rate(f field) (int64, error) {
	if f.unknown() {
		return 0, nil
	}
	r, err := ParseRate(f.text)
	if err != nil {
		return 0, l.errorf(l.line, "rate", f.text, `accepted: %s, or "-" for unknown`, rateAccepted)
	}
	return r, nil
}

// quote writes a name so that it is read back as one field.
func quote(s string) string {
	if s == "" || s == "-" || s[0] == '#' || strings.ContainsAny(s, `"\`) || strings.ContainsFunc(s, unicode.IsSpace) || !utf8.ValidString(s) {
		return strconv.Quote(s)
	}
	return s
}

func formatDelay(l Link) string {
	if !l.HasDelay {
		return "-"
	}
	return l.Delay.String()
}

func formatRateOr(rate int64) string {
	if rate == 0 {
		return "-"
	}
	return FormatRate(rate)
}
