package sched

import (
	"fmt"
	"math"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/policy"
)

// DRRConfig are the parameters of the policy drr. A quantum is what a cube may send in a round, in bytes
// with the header of the layer, so that the quanta are the weights; a limit is the number of packets of
// that cube that may wait here.
type DRRConfig struct {
	QuantumBestEffort int `mapstructure:"quantum_best_effort" doc:"bytes that cube 0, with cubes that nobody has defined, may send in a round, 1 to 1073741824"`
	QuantumVideo      int `mapstructure:"quantum_video" doc:"bytes that cube 1 may send in a round, 1 to 1073741824"`
	QuantumVoice      int `mapstructure:"quantum_voice" doc:"bytes that cube 2 may send in a round, 1 to 1073741824"`
	LimitBestEffort   int `mapstructure:"limit_best_effort" doc:"packets of cube 0, and of cubes that nobody has defined, that may wait, 0 to 1048576"`
	LimitVideo        int `mapstructure:"limit_video" doc:"packets of cube 1 that may wait, 0 to 1048576"`
	LimitVoice        int `mapstructure:"limit_voice" doc:"packets of cube 2 that may wait, 0 to 1048576"`
}

const (
	// DefaultQuantum is the quantum of every cube: about one long packet, the least with which a turn
	// is never in vain.
	DefaultQuantum = 1500
	maxQuantum     = 1 << 30
)

func (c *DRRConfig) limits() perCube {
	return perCube{c.LimitBestEffort, c.LimitVideo, c.LimitVoice}
}

func (c *DRRConfig) quanta() perCube {
	return perCube{c.QuantumBestEffort, c.QuantumVideo, c.QuantumVoice}
}

// Validate checks the ranges.
func (c *DRRConfig) Validate() error {
	for i, name := range cubeNames {
		if q := c.quanta()[i]; q < 1 || q > maxQuantum {
			return fmt.Errorf("parameter quantum_%s: %d, accepted are 1 to %d bytes", name, q, maxQuantum)
		}
	}
	return checkLimits(c.limits())
}

func drrFactory() policy.Factory[Scheduler] {
	return policy.Factory[Scheduler]{
		Name: "drr",
		Doc:  "deficit round robin: backlogged cubes share in the ratio of their quanta (Shreedhar and Varghese, 1995)",
		Config: func() any {
			return &DRRConfig{
				QuantumBestEffort: DefaultQuantum, QuantumVideo: DefaultQuantum, QuantumVoice: DefaultQuantum,
				LimitBestEffort: DefaultLimit, LimitVideo: DefaultLimit, LimitVoice: DefaultLimit,
			}
		},
		New: func(_ core.Env, cfg any) (Scheduler, error) {
			c := cfg.(*DRRConfig)
			return &drr{cubes: cubes{limits: c.limits(), shown: none}, quanta: c.quanta(), turn: int(core.CubeVoice)}, nil
		},
	}
}

// drr is deficit round robin (M. Shreedhar, G. Varghese: Efficient Fair Queueing Using Deficit Round Robin,
// SIGCOMM 1995). The cubes have their turns from voice down. At the beginning of its turn a cube is given
// its quantum; it sends as long as its first packet is not longer than what it has; the rest is its deficit,
// which it keeps for the next round. A cube whose queue runs empty loses it.
//
// While cubes are backlogged, what two of them have sent, each divided by its quantum and multiplied by the
// smallest, never differs by more than the smallest quantum and two packets of the largest length, as shown
// there; counted from when the backlog began, by no more than the quantum and one packet.
type drr struct {
	cubes
	quanta  perCube
	deficit perCube
	turn    int  // the cube that has its turn
	granted bool // it has been given its quantum
	size    int  // of the packet that is shown; by the time of Pop it may be gone
}

func (d *drr) Head(core.Time) *pkt.Buf {
	if d.n == 0 {
		return nil
	}
	// Who has its turn keeps it until it has sent what it may: what arrives meanwhile changes nothing.
	d.shown = int8(d.find())
	d.size = d.queues[d.shown].Front().Len()
	return d.queues[d.shown].Front()
}

func (d *drr) Pop(now core.Time) *pkt.Buf {
	if d.shown == none && d.Head(now) == nil {
		panic("sched: pop from an empty queue")
	}
	i := d.turn
	p := d.pop(i)
	d.deficit[i] -= d.size
	if d.queues[i].Len() == 0 {
		// Its turn is over: a packet that arrives now waits for the next, or the cube would have a quantum
		// for each packet and keep its turn for ever.
		d.deficit[i] = 0
		d.pass()
	}
	return p
}

// Drain removes a packet, and forgets the deficits: the N-1 flow is over.
func (d *drr) Drain() *pkt.Buf {
	d.deficit, d.granted = perCube{}, false
	return d.cubes.Drain()
}

// find has the turn go round until a cube can send, and returns that cube. There must be a packet.
func (d *drr) find() int {
	for {
		for range core.NumCubes + 1 { // what is left of a turn, and a whole round
			if d.fits() {
				return d.turn
			}
			d.pass()
		}
		d.skip()
	}
}

// fits gives the cube whose turn it is its quantum, if it has not had it, and reports whether it can send.
func (d *drr) fits() bool {
	i := d.turn
	if d.queues[i].Len() == 0 {
		return false
	}
	if !d.granted {
		d.granted = true
		d.deficit[i] += d.quanta[i]
	}
	return d.queues[i].Front().Len() <= d.deficit[i]
}

// pass gives the turn to the next cube.
func (d *drr) pass() {
	d.turn = (d.turn + core.NumCubes - 1) % core.NumCubes
	d.granted = false
}

// skip carries out at once the rounds in which no cube could send, up to the one before the first that can.
// There are some when a packet is longer than several quanta.
func (d *drr) skip() {
	rounds := math.MaxInt
	for i := range d.queues {
		if d.queues[i].Len() > 0 {
			short := d.queues[i].Front().Len() - d.deficit[i]
			rounds = min(rounds, (short-1)/d.quanta[i])
		}
	}
	for i := range d.queues {
		if d.queues[i].Len() > 0 {
			d.deficit[i] += rounds * d.quanta[i]
		}
	}
}
