// Command ocbr sends packets at a constant rate to a server, which counts them; and it is that server (spec 14 §14.8).
package main

import (
	"errors"
	"time"

	"github.com/spf13/pflag"

	"ouroboros/cmd/internal/tool"
)

func main() { newTool().Main() }

// options are those of the command line.
type options struct {
	peer        tool.Peer
	interval    time.Duration // server
	timeout     time.Duration // server
	duration    time.Duration
	flood       bool
	size        int
	rate        int64
	sleep, spin bool
}

const (
	maxSize  = 524_288
	maxFlows = 10
)

func newTool() *tool.Tool {
	o := &options{interval: time.Second, timeout: time.Second, duration: time.Minute, size: 1000, rate: 1_000_000}
	return &tool.Tool{
		Name:  "ocbr",
		Short: "Send at a constant bit rate, and count what arrives",
		Long: `ocbr sends packets of one size at a constant rate, and says in the end how many it
has sent. With --listen it is the server: it prints for every flow and interval what
has arrived, for every name that it is bound to, up to 10 flows at a time.

Times of this program are in s, or with a suffix us, ms, s, m, h or d. Rates are
in bit/s, or with k, M or G.

The rate is kept by the clock: what was late is caught up with. --sleep and --spin
are taken for the sake of scripts; with the prototype they say whether a thread
sleeps or spins between two packets, and this program waits for a timer.`,
		Example: `
			ocbr --listen                       serve the names that ocbr is bound to
			ocbr -n sink -r 10M -s 1000 -d 30   10 Mbit/s in packets of 1000 bytes for 30 s
			ocbr -n sink -f -d 3                as fast as the system takes them`,
		Flags: func(fs *pflag.FlagSet) {
			o.peer.Flags(fs, "server_apn")
			tool.TimeVar(fs, &o.interval, "interval", "i", time.Second, time.Millisecond, time.Hour, "server: time between two lines")
			tool.TimeVar(fs, &o.timeout, "timeout", "t", time.Second, time.Millisecond, time.Hour, "server: silence after which a flow is closed")
			tool.TimeVar(fs, &o.duration, "duration", "d", time.Second, time.Millisecond, 365*24*time.Hour, "how long to send")
			fs.BoolVarP(&o.flood, "flood", "f", false, "send as fast as possible")
			tool.CountVar(fs, &o.size, "size", "s", 8, maxSize, "bytes of a packet")
			tool.RateVar(fs, &o.rate, "rate", "r", "bits of the packets in a second")
			fs.BoolVar(&o.sleep, "sleep", true, "no difference, see above")
			fs.BoolVar(&o.spin, "spin", false, "no difference, see above")
		},
		Check: func() error {
			if float64(o.size)*8/float64(o.rate) > o.duration.Seconds() && !o.flood && !o.peer.Listen {
				return errors.New("the duration is too short for one packet at this rate")
			}
			return o.peer.Check()
		},
		Program: func(s *tool.System) error {
			if o.peer.Listen {
				return o.serve(s)
			}
			return o.send(s)
		},
	}
}
