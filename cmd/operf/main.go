// Command operf measures what a flow to a server carries; and it is that server (spec 14 §14.8).
package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"ouroboros/cmd/internal/tool"
)

func main() { newTool().Main() }

// options are those of the command line.
type options struct {
	peer        tool.Peer
	test        string
	duration    time.Duration
	rate        int64
	size        int
	sized       func() bool // whether the size was given
	flood       bool
	sleep       bool
	quiet       bool
	percentiles bool
}

const (
	minSize = 64
	maxSize = 1 << 20
)

// The types of tests, as they are sent.
const (
	uni = 0
	bi  = 1
)

func newTool() *tool.Tool {
	o := &options{test: "uni", duration: time.Minute, rate: 1_000_000, size: 1500}
	return &tool.Tool{
		Name:  "operf",
		Short: "Measure what a flow to a server carries",
		Long: `operf sends packets to a server at a rate, or as many as the flow takes (--flood).
In a bidirectional test the server sends them back, and operf counts them. With
--listen it is the server, for every name that it is bound to: it prints the number
of each packet that a unidirectional test brings and when, or with --quiet one line
for each flow when it ends.

Times are in ms, or with a suffix us, ms, s, m, h or d. Rates are in bit/s, or with
k, M or G; the prototype takes a bare number for kbit/s. Packets have 1500 bytes,
or what the flow takes if that is less, unless --size says otherwise.

--sleep is taken for the sake of scripts: this program always waits for a timer.`,
		Example: `
			operf --listen -Q                        serve the names that operf is bound to
			operf -n sink -f -d 10s                  as much as the flow takes, for 10 s
			operf -n sink -r 100M -s 1000 -t bi      100 Mbit/s there and back, for a minute
			operf -n sink -t bi -q data --percentiles`,
		Flags: func(fs *pflag.FlagSet) {
			o.peer.Flags(fs, "name")
			fs.StringVarP(&o.test, "test", "t", o.test, "uni (there) or bi (there and back)")
			tool.TimeVar(fs, &o.duration, "duration", "d", time.Millisecond, time.Millisecond, 365*24*time.Hour, "how long to send")
			tool.RateVar(fs, &o.rate, "rate", "r", "bits of the packets in a second")
			tool.CountVar(fs, &o.size, "size", "s", minSize, maxSize, "bytes of a packet")
			o.sized = func() bool { return fs.Changed("size") }
			fs.BoolVarP(&o.flood, "flood", "f", false, "send as much as the flow takes")
			fs.BoolVar(&o.sleep, "sleep", false, "no difference, see above")
			fs.BoolVarP(&o.quiet, "quiet", "Q", false, "server: a line for each flow, not for each packet")
			fs.BoolVar(&o.percentiles, "percentiles", false, "bidirectional test: print percentiles of the round trip")
		},
		Check: func() error {
			if o.test != "uni" && o.test != "bi" {
				return fmt.Errorf("test %q: accepted are uni, bi", o.test)
			}
			if o.percentiles && o.test != "bi" {
				return errors.New("--percentiles needs --test bi: only there is a round trip")
			}
			return o.peer.Check()
		},
		Program: func(s *tool.System) error {
			if o.peer.Listen {
				return o.serve(s)
			}
			return o.measure(s)
		},
	}
}
