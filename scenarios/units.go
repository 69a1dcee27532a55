package scenarios

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Rate is a data rate in bit/s, written with a decimal unit: "80Mbps", "1.5Gbps".
type Rate int64

// Size is an amount of data in bytes: "1000B", "64KiB", "1.5MB".
type Size int64

// Duration is a span of time as Go writes it: "1s", "250ms", "1m30s". "0" needs no unit.
type Duration time.Duration

// Period is a Duration or "forever".
type Period time.Duration

// Forever is the Period without an end.
const Forever = Period(math.MaxInt64)

// What the unit types accept, for error messages.
const (
	rateForm     = `a rate such as "500bps", "64kbps", "80Mbps" or "1.5Gbps"`
	sizeForm     = `a size such as "1000B", "64kB", "64KiB", "10MB" or "1GiB"`
	durationForm = `a duration such as "5ms", "1s" or "1m30s", or 0`
	periodForm   = `a duration such as "5s", or "forever"`
)

type unit struct {
	suffix string
	factor int64
}

// Longer suffixes stand before those that they end in.
var (
	rateUnits = []unit{{"Gbps", 1e9}, {"Mbps", 1e6}, {"kbps", 1e3}, {"bps", 1}}
	sizeUnits = []unit{
		{"KiB", 1 << 10},
		{"MiB", 1 << 20},
		{"GiB", 1 << 30},
		{"kB", 1e3},
		{"MB", 1e6},
		{"GB", 1e9},
		{"B", 1},
	}
)

var (
	decimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
	spans   = regexp.MustCompile(`^-?(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`)
)

// parseUnit parses a plain decimal number with one of the units. The product must be whole and fit.
func parseUnit(s string, units []unit) (int64, error) {
	for _, u := range units {
		num, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		if len(num) > 40 || !decimal.MatchString(num) {
			return 0, errors.New("has no plain decimal number before its unit")
		}
		r, ok := new(big.Rat).SetString(num)
		if !ok {
			return 0, errors.New("is not a number")
		}
		r.Mul(r, new(big.Rat).SetInt64(u.factor))
		switch {
		case r.Sign() < 0:
			return 0, errors.New("is negative")
		case !r.IsInt():
			return 0, fmt.Errorf("is not a whole number of %s", units[len(units)-1].suffix)
		case !r.Num().IsInt64():
			return 0, errors.New("is too large")
		}
		return r.Num().Int64(), nil
	}
	return 0, errors.New("has no known unit")
}

// formatUnit prints v in the largest unit that leaves a whole number.
func formatUnit(v int64, units ...unit) string {
	for _, u := range units {
		if v != 0 && v%u.factor == 0 {
			return strconv.FormatInt(v/u.factor, 10) + u.suffix
		}
	}
	return strconv.FormatInt(v, 10) + units[len(units)-1].suffix
}

// UnmarshalText parses a number with bps, kbps, Mbps or Gbps (powers of 1000).
func (r *Rate) UnmarshalText(b []byte) error {
	v, err := parseUnit(string(b), rateUnits)
	if err != nil {
		return fmt.Errorf("%w; accepted is %s", err, rateForm)
	}
	*r = Rate(v)
	return nil
}

// String prints the rate in the largest unit that leaves a whole number.
func (r Rate) String() string { return formatUnit(int64(r), rateUnits...) }

// UnmarshalText parses a number with B, kB, MB, GB (powers of 1000), KiB, MiB or GiB (of 1024).
func (s *Size) UnmarshalText(b []byte) error {
	v, err := parseUnit(string(b), sizeUnits)
	if err != nil {
		return fmt.Errorf("%w; accepted is %s", err, sizeForm)
	}
	*s = Size(v)
	return nil
}

// String prints the size in the largest decimal unit that leaves a whole number.
func (s Size) String() string {
	return formatUnit(int64(s), unit{"GB", 1e9}, unit{"MB", 1e6}, unit{"kB", 1e3}, unit{"B", 1})
}

// UnmarshalText parses a duration that is not negative.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	switch {
	case err != nil || !spans.MatchString(string(b)):
		return fmt.Errorf("is not a duration; accepted is %s", durationForm)
	case v < 0 || strings.HasPrefix(string(b), "-"):
		return fmt.Errorf("is negative; accepted is %s", durationForm)
	}
	*d = Duration(v)
	return nil
}

// String prints the duration as Go does.
func (d Duration) String() string { return time.Duration(d).String() }

// D returns the duration as the standard type.
func (d Duration) D() time.Duration { return time.Duration(d) }

// UnmarshalText parses a duration above 0, or "forever".
func (p *Period) UnmarshalText(b []byte) error {
	if string(b) == "forever" {
		*p = Forever
		return nil
	}
	var d Duration
	if d.UnmarshalText(b) != nil || d == 0 {
		return fmt.Errorf("is not a period above 0; accepted is %s", periodForm)
	}
	*p = Period(d)
	return nil
}

// String prints the period as it is written.
func (p Period) String() string {
	if p == Forever {
		return "forever"
	}
	return time.Duration(p).String()
}
