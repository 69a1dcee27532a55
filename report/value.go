package report

import (
	"strconv"
	"strings"
	"time"

	"ouroboros/scenarios/result"
)

// kind says what a value holds.
type kind uint8

const (
	missing kind = iota
	words
	number
	interval // mean over replications with its confidence interval
)

// value is one cell of a table.
type value struct {
	kind kind
	f    float64   // number in the base unit of its column: s, bit/s, bytes, share
	s    string    // words, or the exact decimal form of f for data files
	est  *Estimate // of an interval
}

func text(s string) value { return value{kind: words, s: s} }

func yesNo(ok bool) value {
	if ok {
		return text("yes")
	}
	return text("no")
}

func num(f float64) value {
	return value{kind: number, f: f, s: strconv.FormatFloat(f, 'g', -1, 64)}
}

func count(n uint64) value {
	return value{kind: number, f: float64(n), s: strconv.FormatUint(n, 10)}
}

func seconds(d time.Duration) value {
	return value{kind: number, f: d.Seconds(), s: exactSeconds(d)}
}

func optNum(o result.Opt[float64]) value {
	if v, ok := o.Get(); ok {
		return num(v)
	}
	return value{}
}

// least is the smallest mean of packets that is printed: one in 2000 moments. Less is as good as 0.
const least = 0.0005

// optMean is a mean of packets, which data files have in full.
func optMean(o result.Opt[float64]) value {
	v := optNum(o)
	if v.f < least {
		v.f = 0
	}
	return v
}

func optCount(o result.Opt[uint64]) value {
	if v, ok := o.Get(); ok {
		return count(v)
	}
	return value{}
}

func optSeconds(o result.Opt[time.Duration]) value {
	if v, ok := o.Get(); ok {
		return seconds(v)
	}
	return value{}
}

func estimated(e Estimate) value {
	if e.Metric == "queue.mean" && e.Mean < least && e.HalfWidth.Or(0) < least {
		return num(0)
	}
	return value{kind: interval, f: e.Mean, est: &e}
}

// inUnit makes a value of a number that package result gives with the name of its unit.
func inUnit(o result.Opt[float64], name string) value {
	v, ok := o.Get()
	if !ok {
		return value{}
	}
	if name == "ns" {
		// Whole nanoseconds below 2^53 keep their exact decimal form.
		if d := time.Duration(v); float64(d) == v {
			return seconds(d)
		}
		return num(v / 1e9)
	}
	return num(v)
}

// data returns the value as a field of a data file.
func (v value) data() string {
	if v.kind == missing {
		return ""
	}
	return v.s
}

// exactSeconds writes a duration as decimal seconds without rounding.
func exactSeconds(d time.Duration) string {
	sign, u := "", uint64(d)
	if d < 0 {
		sign, u = "-", -u
	}
	whole, frac := u/uint64(time.Second), u%uint64(time.Second)
	s := sign + strconv.FormatUint(whole, 10)
	if frac == 0 {
		return s
	}
	digits := strconv.FormatUint(frac+uint64(time.Second), 10)[1:]
	return s + "." + strings.TrimRight(digits, "0")
}
