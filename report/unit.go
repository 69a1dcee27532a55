package report

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"ouroboros/scenarios/result"
)

// unit is the base unit of a column.
type unit uint8

const (
	none    unit = iota // words
	whole               // a counter, printed in full
	plain               // a number without unit: an index, a mean of packets
	share               // 0 to 1, printed in percent
	bitrate             // bit/s
	second              // s
	octets              // bytes
)

// unitOf maps the unit names of package result.
func unitOf(name string) unit {
	switch name {
	case "ns", "s":
		return second
	case "bit/s":
		return bitrate
	case "ratio":
		return share
	case "bytes":
		return octets
	}
	return plain
}

// scale is a unit to print in: base value times factor.
type scale struct {
	name   string
	factor float64
}

// scales lists the print units of a base unit, the largest first.
func (u unit) scales() []scale {
	switch u {
	case share:
		return []scale{{"%", 100}}
	case bitrate:
		return []scale{{"Gbit/s", 1e-9}, {"Mbit/s", 1e-6}, {"kbit/s", 1e-3}, {"bit/s", 1}}
	case second:
		return []scale{{"s", 1}, {"ms", 1e3}, {"µs", 1e6}, {"ns", 1e9}}
	case octets:
		return []scale{{"GB", 1e-9}, {"MB", 1e-6}, {"kB", 1e-3}, {"B", 1}}
	}
	return []scale{{"", 1}}
}

// style is how the numbers of a column are printed.
type style struct {
	scale
	decimals int
}

// tell takes as many decimals more as it needs to print different values differently.
func (s *style) tell(values []value) {
	differ := func() bool {
		seen := map[string]float64{}
		for _, v := range values {
			if v.kind != number {
				continue
			}
			if f, was := seen[s.number(v.f)]; was && f != v.f {
				return false
			}
			seen[s.number(v.f)] = v.f
		}
		return true
	}
	for s.decimals < maxDecimals && !differ() {
		s.decimals++
	}
}

// maxDecimals bounds what a very small number beside a large one may cost in width.
const maxDecimals = 6

// newStyle chooses one unit and one number of decimals for all the values: the largest gets four
// significant digits, the smallest that is not 0 at least two, as far as maxDecimals reaches.
func newStyle(u unit, values []value) style {
	hi, lo := 0.0, math.Inf(1)
	means := false // a mean of counters is no counter
	see := func(f float64) {
		if f = math.Abs(f); f > 0 {
			hi, lo = max(hi, f), min(lo, f)
		}
	}
	for _, v := range values {
		if v.kind == number || v.kind == interval {
			see(v.f)
		}
		if v.kind == interval {
			see(v.est.HalfWidth.Or(0))
			means = means || !v.est.NoVariance
		}
	}
	scales := u.scales()
	s := style{scale: scales[len(scales)-1]}
	if hi == 0 && u == second {
		s.scale = scales[0]
	}
	for _, c := range scales {
		if hi*c.factor >= 1 {
			s.scale = c
			break
		}
	}
	if hi == 0 || u == whole && !means {
		return s
	}
	if u == octets && s.factor == 1 && !slices.ContainsFunc(values, func(v value) bool { return v.kind == interval || v.f != math.Trunc(v.f) }) {
		return s // bytes are whole, unless they are means
	}
	s.decimals = max(0, 3-exponent(hi*s.factor), 1-exponent(lo*s.factor))
	s.decimals = min(s.decimals, maxDecimals)
	return s
}

// exponent returns the power of ten of the first significant digit.
func exponent(f float64) int { return int(math.Floor(math.Log10(f))) }

// print formats a value of the column.
func (s style) print(v value) string {
	switch v.kind {
	case words:
		return clean(v.s)
	case number:
		return s.number(v.f)
	case interval:
		mean := s.number(v.f)
		switch half, ok := v.est.HalfWidth.Get(); {
		case ok:
			return mean + " ± " + s.number(half)
		case v.est.NoVariance:
			return mean + " (no variance)"
		default:
			return mean + " ± " + result.Missing
		}
	}
	return result.Missing
}

// number prints f with the decimals of the column. What would round to 0 without being 0 says so.
func (s style) number(f float64) string {
	x := f * s.factor
	out := strconv.FormatFloat(x, 'f', s.decimals, 64)
	if f != 0 && strings.Trim(out, "-0.") == "" {
		return "<" + strconv.FormatFloat(math.Pow10(-s.decimals), 'f', s.decimals, 64)
	}
	if strings.Trim(out, "-0.") == "" {
		out = strings.TrimPrefix(out, "-")
	}
	return out
}

// lone prints a single number with its own unit and up to nine significant digits, for columns whose rows
// differ in kind. A share stays as scenario files write it.
func lone(v value, u unit) value {
	if v.kind != number {
		return v
	}
	if u == share {
		u = plain
	}
	s := newStyle(u, []value{v})
	out := strconv.FormatFloat(v.f*s.factor, 'g', 9, 64)
	return text(strings.TrimSpace(out + " " + s.name))
}

// clean keeps control characters of names, which come from scenario files, away from terminals and from
// the structure of tables.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}
