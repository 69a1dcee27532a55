package tool

import (
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
