package topologies

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

var (
	// proseNumber finds "45 Mbps", "2 Mbit/s", "2.5 G": a number with a unit.
	proseNumber = regexp.MustCompile(`(?i)([0-9]+(?:\.[0-9]+)?)\s*([kmgt])(?:bps|bit/s|b/s|bits/s|bit|b)?(?:[^a-z0-9]|$)`)
	// proseCarrier finds the names of carrier systems with a level: OC-192, STM-16, DS-3.
	proseCarrier = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])(oc|stm|ds|t|e)-?\s?([0-9]{1,4})c?(?:[^a-z0-9]|$)`)
	// proseDigits finds text that looks as if it meant a speed.
	proseDigits = regexp.MustCompile(`(?i)[0-9]\s*(?:[kmgt]?(?:bps|bit|b/s)|[kmgt]\b)`)
)

// Line rates in bit/s. SONET OC-n and SDH STM-n: ITU-T G.707 (n times 51.84 and
// 155.52 Mbit/s); the North American and European hierarchies: ITU-T G.702.
const (
	rateOC1  = 51_840_000
	rateSTM1 = 155_520_000
)

var carrierRates = map[string]int64{
	"ds0": 64_000, "ds1": 1_544_000, "ds2": 6_312_000, "ds3": 44_736_000,
	"t1": 1_544_000, "t2": 6_312_000, "t3": 44_736_000,
	"e1": 2_048_000, "e2": 8_448_000, "e3": 34_368_000, "e4": 139_264_000,
}

// proseRate reads a rate in bit/s out of a label such as "45 Mbps DS-3". A
// number with a unit comes before the name of a carrier system. The rate is 0 if
// the text names none or several different ones; named tells the latter, and
// text that seems to mean a speed, from text that does not.
func proseRate(s string) (rate int64, named bool) {
	rates := make([]int64, 0, 2)
	for _, m := range proseNumber.FindAllStringSubmatch(s, 4) {
		f, _ := strconv.ParseFloat(m[1], 64)
		power := map[string]float64{"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}[strings.ToLower(m[2])]
		if f *= power; f >= 1 && f <= 1e18 {
			rates = append(rates, int64(math.Round(f)))
		}
	}
	if len(rates) == 0 {
		for _, m := range proseCarrier.FindAllStringSubmatch(s, 4) {
			if r := carrierRate(strings.ToLower(m[1]), m[2]); r > 0 {
				rates = append(rates, r)
			}
		}
	}
	for _, r := range rates {
		if r != rates[0] {
			return 0, true
		}
	}
	if len(rates) == 0 {
		return 0, proseDigits.MatchString(s)
	}
	return rates[0], true
}

func carrierRate(system, level string) int64 {
	n, _ := strconv.ParseInt(level, 10, 64)
	switch system {
	case "oc":
		return n * rateOC1
	case "stm":
		return n * rateSTM1
	}
	return carrierRates[system+level]
}
