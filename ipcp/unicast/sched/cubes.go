package sched

import (
	"fmt"
	"math"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/ring"
)

// DefaultLimit is the length in packets of a full queue: the ring of the prototype (spec 06 §9).
const DefaultLimit = 1023

// maxLimit bounds the memory that a queue can ask for.
const maxLimit = 1 << 20

// checkLimit checks a parameter that is a queue length in packets.
func checkLimit(name string, n int) error {
	if n < 0 || n > maxLimit {
		return fmt.Errorf("parameter %s: %d, accepted are 0 to %d packets", name, n, maxLimit)
	}
	return nil
}

// checkLimits checks the parameters limit_*.
func checkLimits(limits perCube) error {
	for i, name := range cubeNames {
		if err := checkLimit("limit_"+name, limits[i]); err != nil {
			return err
		}
	}
	return nil
}

// perCube is a value for each cube, as the parameters of a policy give it.
type perCube [core.NumCubes]int

// cubeNames are the names of the cubes in parameters, by number.
var cubeNames = [core.NumCubes]string{"best_effort", "video", "voice"}

// cubes holds the packets that wait, a queue for each cube.
type cubes struct {
	queues [core.NumCubes]ring.Ring[*pkt.Buf]
	limits perCube
	n      int
	shown  int8 // the cube whose first packet was the head when it was last asked for; none after a Pop
}

// none stands for no cube.
const none = -1

// class returns the cube by which a packet is treated. The header has room for 256, of which three are
// defined; receivers accept any (spec 02 §7.3).
func class(c core.Cube) core.Cube {
	if c >= core.NumCubes {
		return core.CubeBestEffort
	}
	return c
}

// Push adds a packet to the queue of its cube.
func (c *cubes) Push(_ core.Time, p *pkt.Buf, cube core.Cube) bool {
	i := class(cube)
	if !c.queues[i].Push(p, c.limits[i]) {
		return false
	}
	c.n++
	return true
}

// Hold adds a packet to the queue of its cube, full or not.
func (c *cubes) Hold(_ core.Time, p *pkt.Buf, cube core.Cube) {
	c.queues[class(cube)].Push(p, math.MaxInt)
	c.n++
}

// Len returns the number of packets in all queues.
func (c *cubes) Len() int { return c.n }

// pop removes the first packet of a cube.
func (c *cubes) pop(i int) *pkt.Buf {
	c.n--
	c.shown = none
	return c.queues[i].Pop()
}

// Drain removes a packet of the lowest cube that has one.
func (c *cubes) Drain() *pkt.Buf {
	for i := range c.queues {
		if c.queues[i].Len() > 0 {
			return c.pop(i)
		}
	}
	return nil
}
