package main

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
	"ouroboros/core/line"
)

// directions of a link: what is sent, what is received, both.
const (
	dirOut  = "out"
	dirIn   = "in"
	dirBoth = "both"
)

// impairment is a keyword of shape and what it changes.
type impairment struct {
	word, value, doc string
	set              func(s *core.LinkSpec, text string) error
}

var impairments = []impairment{
	{"rate", "RATE", "bit rate, such as 10Mbps", func(s *core.LinkSpec, t string) (err error) { s.Rate, err = rate(t); return }},
	{"delay", "TIME", "propagation delay, such as 5ms", func(s *core.LinkSpec, t string) (err error) { s.Delay, err = span(t); return }},
	{"jitter", "TIME", "additional delay, uniform from 0 to this; keeps the order", func(s *core.LinkSpec, t string) (err error) { s.Jitter, err = span(t); return }},
	{"loss", "PROBABILITY", "packets that are lost, 0 to 1", func(s *core.LinkSpec, t string) (err error) { s.Loss, err = probability(t); return }},
	{"burst-loss", "P,R,GOOD,BAD", "losses in bursts (Gilbert-Elliott): probabilities of turning bad and good, of loss while good and bad", setGilbert},
	{"drop", "N[,N...]", "exactly these packets are lost, counted from 1 from now on", setDrop},
	{"ber", "PROBABILITY", "wrong bits; such packets are dropped, as a network card does", func(s *core.LinkSpec, t string) (err error) { s.BER, err = probability(t); return }},
	{"reorder", "PROBABILITY", "packets that are held back and overtaken", func(s *core.LinkSpec, t string) (err error) { s.Reorder, err = probability(t); return }},
	{"reorder-by", "TIME", "how long they are held back", func(s *core.LinkSpec, t string) (err error) { s.ReorderBy, err = span(t); return }},
	{"duplicate", "PROBABILITY", "packets that arrive twice", func(s *core.LinkSpec, t string) (err error) { s.Duplicate, err = probability(t); return }},
	{"queue", "PACKETS", "packets that may wait, 1 to 1000000", setQueue},
	{"overhead", "BYTES", "bytes per frame that count beside the packet, 0 to 1000", setOverhead},
}

func shapeCommand() *command {
	c := &command{
		object: "shape", doc: "put impairments on the link of a shim", failure: "Failed to shape the link.", time: localTime, ours: true, run: shapeLink,
		subject: &subject{value: "IPCP", live: ipcpNames, doc: "name of the IPCP: eth-dix, eth-llc, udp4 or udp6"},
		keywords: []*keyword{
			{word: dirOut, many: 64, doc: "what follows is for packets that are sent"},
			{word: dirIn, many: 64, doc: "what follows is for packets that are received"},
			{word: dirBoth, many: 64, doc: "what follows is for both: so it begins"},
			{word: "clear", doc: "take all impairments away"},
		},
		long: []string{
			"The link behaves as a wire of the simulator with these values would: it is the same code. What is not given is not impaired; each call replaces the one before.",
		},
		examples: []string{
			"irm shape shim12 rate 10Mbps delay 5ms queue 50",
			"irm shape shim12 out rate 10Mbps in loss 0.01",
			"irm shape shim12 clear",
		},
	}
	for _, i := range impairments {
		c.keywords = append(c.keywords, &keyword{word: i.word, value: i.value, many: 2, doc: i.doc})
		c.anyOf = append(c.anyOf, i.word)
	}
	c.anyOf = append(c.anyOf, "clear")
	return c
}

func shapeLink(ctx context.Context, c *call) error {
	out, in, err := shapeSpecs(c)
	if err != nil {
		return fmt.Errorf("%w: %w", core.ErrInvalid, err)
	}
	return c.do(ctx, func(h control.Handler) error { return h.Shape(ctx, c.subject, out, in) })
}

// shapeSpecs returns what the keywords describe.
func shapeSpecs(c *call) (out, in core.LinkSpec, err error) {
	if c.has("clear") {
		if len(c.given) > 1 {
			return out, in, fmt.Errorf("clear stands alone")
		}
		return out, in, nil
	}
	dir := dirBoth
	seen := map[string]bool{}
	for _, g := range c.given {
		if g.k.value == "" {
			dir = g.k.word
			continue
		}
		for d, s := range map[string]*core.LinkSpec{dirOut: &out, dirIn: &in} {
			if dir != dirBoth && dir != d {
				continue
			}
			if seen[d+g.k.word] {
				return out, in, fmt.Errorf("%s stands twice for packets %s", g.k.word, d)
			}
			seen[d+g.k.word] = true
			if err := impair(s, g.k.word, g.value); err != nil {
				return out, in, fmt.Errorf("%s: %w", g.k.word, err)
			}
		}
	}
	for _, s := range []core.LinkSpec{out, in} {
		if err := line.Validate(s); err != nil {
			return out, in, err
		}
		if (s.Reorder > 0) != (s.ReorderBy > 0) {
			return out, in, fmt.Errorf("reorder and reorder-by need one another")
		}
	}
	return out, in, nil
}

func impair(s *core.LinkSpec, word, text string) error {
	for _, i := range impairments {
		if i.word == word {
			return i.set(s, text)
		}
	}
	return fmt.Errorf("unknown")
}

// rates are the units of rates, in bit/s; longer ones stand before those that they end in.
var rates = []struct {
	unit   string
	factor int64
}{{"Gbps", 1e9}, {"Mbps", 1e6}, {"kbps", 1e3}, {"bps", 1}}

// rate reads a rate above 0.
func rate(text string) (int64, error) {
	for _, u := range rates {
		number, ok := strings.CutSuffix(text, u.unit)
		if !ok || len(number) == 0 || len(number) > 40 || strings.Trim(number, "0123456789.") != "" {
			continue
		}
		r, ok := new(big.Rat).SetString(number)
		if !ok {
			break
		}
		r.Mul(r, new(big.Rat).SetInt64(u.factor))
		if r.IsInt() && r.Num().IsInt64() && r.Sign() > 0 {
			return r.Num().Int64(), nil
		}
		break
	}
	return 0, fmt.Errorf("%q, accepted is a rate such as 64kbps, 10Mbps or 1.5Gbps", text)
}

// span reads a time.
func span(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > time.Hour {
		return 0, fmt.Errorf("%q, accepted is a time from 0s to 1h, such as 5ms", text)
	}
	return d, nil
}

func probability(text string) (float64, error) {
	p, err := strconv.ParseFloat(text, 64)
	if err != nil || !(p >= 0 && p <= 1) {
		return 0, fmt.Errorf("%q, accepted is a probability from 0 to 1", text)
	}
	return p, nil
}

// mostDrops is how many packets can be named.
const mostDrops = 1000

func setDrop(s *core.LinkSpec, text string) error {
	parts := strings.Split(text, ",")
	if len(parts) > mostDrops {
		return fmt.Errorf("%d numbers, accepted are %d", len(parts), mostDrops)
	}
	for _, p := range parts {
		n, err := strconv.ParseUint(p, 10, 64)
		if err != nil || n == 0 || slices.Contains(s.Drop, n) {
			return fmt.Errorf("%q, accepted are different numbers from 1, such as 1,2,5", text)
		}
		s.Drop = append(s.Drop, n)
	}
	return nil
}

func setGilbert(s *core.LinkSpec, text string) error {
	parts := strings.Split(text, ",")
	if len(parts) != 4 {
		return fmt.Errorf("%q, accepted are four probabilities: P,R,GOOD,BAD", text)
	}
	var v [4]float64
	for i, p := range parts {
		var err error
		if v[i], err = probability(p); err != nil {
			return err
		}
	}
	s.Gilbert = &core.GilbertElliott{P: v[0], R: v[1], LossGood: v[2], LossBad: v[3]}
	return nil
}

func setQueue(s *core.LinkSpec, text string) (err error) {
	s.QueuePackets, err = bounded(text, 1, 1_000_000)
	return err
}

func setOverhead(s *core.LinkSpec, text string) (err error) {
	s.Overhead, err = bounded(text, 0, 1000)
	return err
}

func bounded(text string, low, high int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%q, accepted are %d to %d", text, low, high)
	}
	return n, nil
}
