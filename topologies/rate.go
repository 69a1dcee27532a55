package topologies

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// rateAccepted is what an error says about the form of a rate.
const rateAccepted = `whole bit/s such as 64000, or with a unit: bps, kbps, Mbps, Gbps, Tbps (1 kbps = 1000 bit/s), or kbit/s, Mbit/s…`

var ratePrefixes = []struct {
	prefix string
	digits int // power of ten
}{{"T", 12}, {"G", 9}, {"M", 6}, {"k", 3}, {"", 0}}

// ParseRate reads a rate in bit/s: a whole number, or a decimal number with one
// of the units bps, kbps, Mbps, Gbps, Tbps (or bit/s, kbit/s…; letter case and a
// blank before the unit do not matter). The result is exact; a rate that is
// negative, not whole bit/s or beyond int64 is an error.
func ParseRate(s string) (int64, error) {
	bad := func(why string) (int64, error) {
		return 0, fmt.Errorf("rate %q: %s; accepted: %s", s, why, rateAccepted)
	}
	num, digits := splitRate(s)
	whole, frac, _ := strings.Cut(num, ".")
	if whole == "" || strings.Trim(whole+frac, "0123456789") != "" || strings.HasSuffix(num, ".") {
		return bad("not a rate")
	}
	frac = strings.TrimRight(frac, "0")
	if len(frac) > digits {
		return bad("not whole bit/s")
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", digits-len(frac)), 10, 64)
	if err != nil {
		return bad(fmt.Sprintf("more than %d bit/s", int64(math.MaxInt64)))
	}
	return n, nil
}

// splitRate cuts a unit off s and returns its power of ten.
func splitRate(s string) (num string, digits int) {
	lower := strings.ToLower(strings.TrimSpace(s))
	for _, unit := range []string{"bps", "bit/s"} {
		rest, ok := strings.CutSuffix(lower, unit)
		if !ok {
			continue
		}
		for _, p := range ratePrefixes {
			if num, ok := strings.CutSuffix(rest, strings.ToLower(p.prefix)); ok {
				return strings.TrimSpace(num), p.digits
			}
		}
	}
	return lower, 0
}

// FormatRate writes a rate in bit/s so that [ParseRate] gives it back exactly:
// 10000000 is "10Mbps", 9953280000 is "9.95328Gbps".
func FormatRate(rate int64) string {
	for _, p := range ratePrefixes {
		unit := int64(math.Pow10(p.digits))
		if rate < unit || p.digits == 0 {
			continue
		}
		frac := strings.TrimRight(fmt.Sprintf("%0*d", p.digits, rate%unit), "0")
		if frac != "" {
			frac = "." + frac
		}
		return strconv.FormatInt(rate/unit, 10) + frac + p.prefix + "bps"
	}
	return strconv.FormatInt(rate, 10) + "bps"
}
