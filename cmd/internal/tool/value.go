package tool

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// suffix is what a number on the command line can be followed by.
type suffix[T any] struct {
	name string
	is   T
}

var timeSuffixes = []suffix[time.Duration]{
	{"us", time.Microsecond},
	{"µs", time.Microsecond},
	{"ms", time.Millisecond},
	{"s", time.Second},
	{"m", time.Minute},
	{"h", time.Hour},
	{"d", 24 * time.Hour},
}

// ParseTime reads a time: a number and us, ms, s, m, h or d, without a suffix in the given unit (spec 14 §14.8).
func ParseTime(s string, unit time.Duration) (time.Duration, error) {
	number := strings.TrimRight(s, "usµmhd")
	if name := s[len(number):]; name != "" {
		unit = 0
		for _, x := range timeSuffixes {
			if name == x.name {
				unit = x.is
			}
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	ns := v * float64(unit)
	if err != nil || unit == 0 || !plain(number) || ns >= math.MaxInt64 {
		return 0, fmt.Errorf("time %q: accepted is a number with us, ms, s, m, h or d, up to 292 years", s)
	}
	return time.Duration(math.Round(ns)), nil
}

// plain reports whether s is written with digits and a point: ParseFloat takes more.
func plain(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.") == ""
}

// ParseRate reads a rate in bit/s: a number and k, M or G, which are powers of 1000, without a suffix bit/s. "b/s" and
// "bit/s" may follow. The prototype's operf takes a bare number for kbit/s, against its documentation.
func ParseRate(s string) (int64, error) {
	number := s
	for _, unit := range []string{"bit/s", "b/s", "bps"} {
		var cut bool
		if number, cut = strings.CutSuffix(number, unit); cut {
			break
		}
	}
	factor := 1.0
	for _, x := range []suffix[float64]{{"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}} {
		var cut bool
		if number, cut = strings.CutSuffix(number, x.name); cut {
			factor = x.is
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !plain(number) || v*factor < 1 || v*factor > 1e15 {
		return 0, fmt.Errorf("rate %q: accepted is a number of bit/s from 1 with k, M or G, up to 1000000G", s)
	}
	return int64(math.Round(v * factor)), nil
}

// value is an option that is read by a function.
type value struct {
	kind, shown string
	set         func(string) error
}

func (v *value) String() string { return v.shown }
func (v *value) Type() string   { return v.kind }
func (v *value) Set(s string) error {
	if err := v.set(s); err != nil {
		return err
	}
	v.shown = s
	return nil
}

// TimeVar is an option for a time between low and high; unit is that of a bare number. *p holds the default.
func TimeVar(fs *pflag.FlagSet, p *time.Duration, name, short string, unit, low, high time.Duration, usage string) {
	fs.VarP(&value{kind: "time", shown: showTime(*p), set: func(s string) error {
		d, err := ParseTime(s, unit)
		if err != nil {
			return err
		}
		if d < low || d > high {
			return fmt.Errorf("time %q: accepted is %s to %s", s, showTime(low), showTime(high))
		}
		*p = d
		return nil
	}}, name, short, usage)
}

// showTime writes a time as ParseTime reads it.
func showTime(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	for _, x := range []suffix[time.Duration]{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if d >= x.is && d%x.is == 0 {
			return strconv.FormatInt(int64(d/x.is), 10) + x.name
		}
	}
	return strconv.FormatInt(int64(d/time.Microsecond), 10) + "us"
}

// RateVar is an option for a rate in bit/s; *p holds the default, 0 for none.
func RateVar(fs *pflag.FlagSet, p *int64, name, short, usage string) {
	shown := ""
	if *p > 0 {
		shown = strconv.FormatInt(*p, 10)
	}
	fs.VarP(&value{kind: "rate", shown: shown, set: func(s string) (err error) {
		*p, err = ParseRate(s)
		return err
	}}, name, short, usage)
}

// CountVar is an option for a number between low and high; *p holds the default.
func CountVar(fs *pflag.FlagSet, p *int, name, short string, low, high int, usage string) {
	fs.VarP(&value{kind: "number", shown: strconv.Itoa(*p), set: func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < low || n > high {
			return fmt.Errorf("%q: accepted is a number from %d to %d", s, low, high)
		}
		*p = n
		return nil
	}}, name, short, usage)
}
