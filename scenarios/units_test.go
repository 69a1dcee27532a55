package scenarios

import (
	"encoding"
	"fmt"
	"testing"
)

// A unit type accepts what is documented and nothing else.
func TestUnits(t *testing.T) {
	type parser interface{ encoding.TextUnmarshaler }
	for _, c := range []struct {
		make func() parser
		good map[string]int64
		bad  []string
	}{
		{
			func() parser { return new(Rate) },
			map[string]int64{"0bps": 0, "64kbps": 64e3, "80Mbps": 80e6, "1.5Gbps": 15e8, "0.000000001Gbps": 1, "9223372036854775807bps": 1<<63 - 1},
			[]string{"", "80", "Mbps", "80mbps", "80 Mbps", "80MBps", "-1bps", "1e3bps", ".5kbps", "5.kbps", "0.1bps", "+1bps", "0x1bps", "1_0bps", "9223372036854775808bps", "NaNbps", "1/2kbps", "80Mbit/s"},
		},
		{
			func() parser { return new(Size) },
			map[string]int64{"1000B": 1000, "64kB": 64e3, "64KiB": 65536, "1.5MB": 15e5, "1GiB": 1 << 30, "0.5KiB": 512},
			[]string{"", "1000", "1KB", "1b", "-1B", "0.1B", "1 B", "99999999999GB"},
		},
		{
			func() parser { return new(Duration) },
			map[string]int64{"0": 0, "5ms": 5e6, "1m30s": 90e9, "1.5s": 15e8, "3us": 3000, "3µs": 3000},
			[]string{"", "5", "-5s", "-0s", "5 s", "1d", ".5s", "+5s", "forever", "9999999h"},
		},
		{
			func() parser { return new(Period) },
			map[string]int64{"5s": 5e9, "forever": int64(Forever)},
			[]string{"", "0", "0s", "-1s", "Forever", "true"},
		},
	} {
		for text, want := range c.good {
			p := c.make()
			if err := p.UnmarshalText([]byte(text)); err != nil {
				t.Errorf("%T %q: %v", p, text, err)
				continue
			}
			if got := asInt(p); got != want {
				t.Errorf("%T %q gives %d, want %d", p, text, got, want)
			}
			back := c.make()
			if err := back.UnmarshalText([]byte(fmt.Sprint(p))); err != nil || asInt(back) != want {
				t.Errorf("%T %q prints as %v, which is read as %d, %v", p, text, p, asInt(back), err)
			}
		}
		for _, text := range c.bad {
			if p := c.make(); p.UnmarshalText([]byte(text)) == nil {
				t.Errorf("%T accepts %q", p, text)
			}
		}
	}
}

func asInt(v any) int64 {
	switch v := v.(type) {
	case *Rate:
		return int64(*v)
	case *Size:
		return int64(*v)
	case *Duration:
		return int64(*v)
	default:
		return int64(*v.(*Period))
	}
}
