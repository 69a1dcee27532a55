package tool

import (
	"fmt"
	"strings"
	"unicode"
)

// Printable is a text of another system as it may be shown on a terminal: what is no printable character or space
// becomes "?".
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\n' || r == '\t' {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(s, "?"))
}

// Percent writes how many of n are missing, as "0%", "50%" or "0.22%": never 0 when something is.
func Percent(missing, n uint64) string {
	if n == 0 {
		return "0%"
	}
	return fmt.Sprintf("%.3g%%", 100*float64(missing)/float64(n))
}
