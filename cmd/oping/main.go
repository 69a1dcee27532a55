// Command oping asks a server whether it is there, and measures the round trip; and it is that server (spec 14 §14.8).
package main

import (
	"errors"
	"math"
	"time"

	"github.com/spf13/pflag"

	"ouroboros/cmd/internal/tool"
)

func main() { newTool().Main() }

// options are those of the command line.
type options struct {
	peer      tool.Peer
	poll      bool
	busy      bool
	count     int
	counted   func() bool // whether the count was given
	duration  time.Duration
	flood     bool
	floodBusy bool
	interval  time.Duration
	size      int
	quiet     bool
	timeOfDay bool
}

const (
	headerLen = 24
	minSize   = 64
	maxSize   = 1500
)

func newTool() *tool.Tool {
	o := &options{count: math.MaxInt32, interval: time.Second, size: minSize}
	return &tool.Tool{
		Name:  "oping",
		Short: "Measure the round trip to a server by its name",
		Long: `oping sends requests to a server, by default one a second, and says how long each
reply took. Without --count and --duration it goes on until it is interrupted.
With --listen it is the server, for every name that it is bound to.

Times are in ms, or with a suffix us, ms, s, m, h or d. A reply that comes twice
is marked and counted apart. It exits with 1 when no reply has come.

--poll, --busy and --flood-busy are taken for the sake of scripts: with the
prototype they say whether a thread sleeps or spins while it waits. This program
has no thread of its own; it waits for what comes first.`,
		Example: `
			oping --listen                        serve the names that oping is bound to
			oping -n oping_server -c 4            four requests, one a second
			oping -n oping_server -c 100 -i 10ms  a hundred, 10 ms apart
			oping -n oping_server -f -d 10s -Q    as fast as replies come, for 10 s, statistics only
			oping -n oping_server -q data         on a reliable flow`,
		Flags: func(fs *pflag.FlagSet) {
			o.peer.Flags(fs, "server-name")
			fs.BoolVar(&o.poll, "poll", false, "server: no difference, see above")
			fs.BoolVar(&o.busy, "busy", false, "server: no difference, see above")
			tool.CountVar(fs, &o.count, "count", "c", 1, math.MaxInt32, "number of requests")
			o.counted = func() bool { return fs.Changed("count") }
			tool.TimeVar(fs, &o.duration, "duration", "d", time.Millisecond, 0, 365*24*time.Hour, "how long to send, instead of a number")
			fs.BoolVarP(&o.flood, "flood", "f", false, "send the next request right after the reply to the last")
			fs.BoolVarP(&o.floodBusy, "flood-busy", "F", false, "the same as --flood, see above")
			tool.TimeVar(fs, &o.interval, "interval", "i", time.Millisecond, 0, 10*time.Second, "time between requests")
			tool.CountVar(fs, &o.size, "size", "s", 1, maxSize, "bytes of a request, 64 at least")
			fs.BoolVarP(&o.quiet, "quiet", "Q", false, "only print the statistics; as the server nothing")
			fs.BoolVarP(&o.timeOfDay, "timeofday", "D", false, "print the time of day in front of each reply")
		},
		Check: func() error {
			o.size = max(o.size, minSize)
			o.flood = o.flood || o.floodBusy
			if o.duration > 0 && o.counted() {
				return errors.New("--count and --duration exclude each other")
			}
			return o.peer.Check()
		},
		Program: func(s *tool.System) error {
			if o.peer.Listen {
				return o.serve(s)
			}
			return o.ping(s)
		},
	}
}
