package tool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"ouroboros/core"
)

// TestTimesOnTheCommandLine_14_8: ms is the unit of a bare number where the tool says so.
func TestTimesOnTheCommandLine_14_8(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"200": 200 * time.Millisecond, "0": 0, "1.5s": 1500 * time.Millisecond, "2m": 2 * time.Minute, "3h": 3 * time.Hour, "1d": 24 * time.Hour,
		"7ms": 7 * time.Millisecond, "50us": 50 * time.Microsecond, "50µs": 50 * time.Microsecond, "0.25": 250 * time.Microsecond,
	} {
		if d, err := ParseTime(in, time.Millisecond); d != want || err != nil {
			t.Errorf("%s: %v, %v", in, d, err)
		}
	}
	for _, in := range []string{"", "s", "-1", "+1", "1e3", "NaN", "inf", "1 s", "1ss", "1sm", "10000000d", "0x10", "1.2.3", "."} {
		if d, err := ParseTime(in, time.Millisecond); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", in)) {
			t.Errorf("%q: %v, %v", in, d, err)
		}
	}
}

// TestRatesOnTheCommandLine_14_8: a bare number is bit/s; the prototype's operf takes it for kbit/s.
func TestRatesOnTheCommandLine_14_8(t *testing.T) {
	for in, want := range map[string]int64{
		"1000": 1000, "10k": 10_000, "10K": 10_000, "2.5M": 2_500_000, "1G": 1e9, "1Mb/s": 1e6, "3kbit/s": 3000, "9bps": 9,
	} {
		if r, err := ParseRate(in); r != want || err != nil {
			t.Errorf("%s: %d, %v", in, r, err)
		}
	}
	for _, in := range []string{"", "k", "0", "-1k", "1T", "1e6", "NaN", "1Mk", "0.5", "1000001G"} {
		if r, err := ParseRate(in); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", in)) {
			t.Errorf("%q: %d, %v", in, r, err)
		}
	}
}

// FuzzValues: nothing on a command line is a negative time or a rate that is none.
func FuzzValues(f *testing.F) {
	for _, s := range []string{"1s", "10M", "0.1", "µs", "1000000G", "9223372036854775807", "µ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseTime(s, time.Millisecond); err == nil && d < 0 {
			t.Errorf("time %q: %v", s, d)
		}
		if r, err := ParseRate(s); err == nil && (r < 1 || r > 1e15) {
			t.Errorf("rate %q: %d", s, r)
		}
	})
}

// TestAWindowFindsLateAndDoubleNumbers, also behind a gap and below it.
func TestAWindowFindsLateAndDoubleNumbers(t *testing.T) {
	var w Window
	for _, c := range []struct {
		id   uint32
		want Order
	}{
		{0, InOrder},
		{0, Duplicate},
		{2, InOrder},
		{1, Late},
		{1, Duplicate},
		{2, Duplicate},
		{WindowLen + 1, InOrder},
		{WindowLen + 3, InOrder},
		{WindowLen + 2, Late},
		{4, Late},
		{4, Duplicate},
		{0, Late},
		{0, Late},
		{9 * WindowLen, InOrder},
		{8*WindowLen + 1, Late},
		{8*WindowLen + 1, Duplicate},
		{math.MaxUint32 - 1, InOrder},
		{math.MaxUint32 - 1, Duplicate},
	} {
		if got := w.Add(c.id); got != c.want {
			t.Errorf("%d: %d, want %d", c.id, got, c.want)
		}
	}
}

// TestPaceIsExact: the n-th packet is due at n·size·8/rate, however large that is.
func TestPaceIsExact(t *testing.T) {
	for _, c := range []struct {
		size int
		rate int64
		n    uint64
		want core.Time
	}{
		{1000, 8000, 3, 3e9}, {1500, 1e9, 1e6, 12e9}, {64, 3, 1, 170_666_666_666}, {1 << 20, 1e15, 1e9, 8388608000}, {1500, 1, math.MaxUint64 / 1500, math.MaxInt64},
	} {
		p := Pace{End: math.MaxInt64, Size: c.size, Rate: c.rate, n: c.n}
		if got := p.Due(); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// TestExitCodes: 1 for a program that failed, 2 for a command line that cannot be used; what the user can do is said.
func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		line string
		err  error
		code int
		text string
	}{
		{"", nil, Fine, ""},
		{"", errors.New("broken"), Failed, "x: broken\n"},
		{"", ErrReported, Failed, ""},
		{"", fmt.Errorf("open: %w", core.ErrIRMD), Failed, "x: open: no contact with the broker (is irmd running, and --dir its directory?)\n"},
		{"--nothing", nil, BadUsage, "x: unknown flag: --nothing\nSee 'x --help'.\n"},
		{"--odd 1", nil, BadUsage, "x: odd\nSee 'x --help'.\n"},
	} {
		var out, errOut strings.Builder
		odd := 0
		tool := Tool{
			Name:    "x",
			Flags:   func(fs *pflag.FlagSet) { CountVar(fs, &odd, "odd", "", 0, 9, "a number") },
			Program: func(*System) error { return c.err },
			Check: func() error {
				if odd%2 == 1 {
					return errors.New("odd")
				}
				return nil
			},
		}
		open := func(_ context.Context, dir, name string, _ io.Writer, program func(*System) error) error {
			if dir != "" || name != "x" {
				t.Errorf("opened %q in %q", name, dir)
			}
			return program(nil)
		}
		if code := tool.Run(context.Background(), strings.Fields(c.line), &out, &errOut, open); code != c.code || errOut.String() != c.text {
			t.Errorf("%q, %v: exit code %d, %q", c.line, c.err, code, errOut.String())
		}
	}
}

// TestALossIsNeverRoundedAway.
func TestALossIsNeverRoundedAway(t *testing.T) {
	for want, c := range map[string][2]uint64{"0%": {0, 5000}, "0.22%": {11, 5000}, "50%": {1, 2}, "33.3%": {1, 3}, "100%": {7, 7}, "2e-05%": {1, 5_000_000}} {
		if got := Percent(c[0], c[1]); got != want {
			t.Errorf("%d of %d: %s, want %s", c[0], c[1], got, want)
		}
	}
}
