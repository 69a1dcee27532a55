package frcp

import (
	"fmt"
	"strings"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// Pacing says when data that the window allows is sent.
type Pacing uint8

// The choices.
const (
	// PacingRate sends no faster than the layer forwards the packets of the flow (core.Paced), so that
	// what is too much waits here, unnumbered, where retransmissions and acks pass it, and not in the
	// queue of the layer, where it is in front of them.
	PacingRate Pacing = iota
	// PacingOff sends all that the window allows at once, as the prototype does.
	PacingOff
)

var pacingNames = [...]string{"rate", "off"}

// String returns the name as scenarios write it.
func (p Pacing) String() string { return pacingNames[p] }

// UnmarshalText accepts "rate" and "off".
func (p *Pacing) UnmarshalText(text []byte) error {
	for i, n := range pacingNames {
		if string(text) == n {
			*p = Pacing(i)
			return nil
		}
	}
	return fmt.Errorf("pacing %q, accepted are %s", text, strings.Join(pacingNames[:], ", "))
}

const (
	// The layer always has a few packets to forward: its policy may count what it forwards and take what is
	// not used away (spec 06 §5.1), and a rate that it raises must find packets to be raised for.
	queueHigh = 16 // packets that may wait in the layer
	queueLow  = 12 // when more were allowed in, how many may wait before the next
	// What may be sent at once after a pause, in packets and in time at the rate of credit.
	paceBurst = 10
	paceSlack = 500 * time.Microsecond
	paceLump  = 250 * time.Microsecond // longest time that is waited to send several packets together
	paceLimit = time.Second            // longest time between two packets, as in the layer (spec 06 §5.3)
)

// pacer spreads what is sent over time.
type pacer struct {
	wait  fifo[*pkt.Buf] // messages that were taken and have no number yet
	bytes int            // of them
	next  clock.Time     // when what was sent so far has had its time at the rate
	until clock.Time     // nothing is sent before
	at    clock.Time     // when Next is to be called again; Never if nothing waits
}

// maySend reports whether the layer has room. If not, Next is due again later.
func (c *Conn) maySend(now clock.Time) bool {
	if now >= c.pace.until {
		return true
	}
	c.pace.at = c.pace.until
	return false
}

// charge counts a packet of n bytes that is sent, with what the layers below may put in front of it, when so
// many are queued in the layer. Time gives credit at four times the rate of the layer: that bounds bursts and
// keeps its queue from running dry where it forwards in bursts itself (under multi-bit ECN with the scenario
// dumbbell, reliable flows with credit at a lower rate lose more goodput to the raw ones). When the queue is long enough, the rate
// of the layer says how long it needs to get rid of some. So in the mean no more is sent than it forwards.
//
// On a link that others share the credit is that of its rate, and an eighth less while much is queued: what is in
// front of the user's packets on the wire is not known here. It never waits for the others.
func (c *Conn) charge(now clock.Time, n, queued int) {
	if c.cfg.Rate == nil {
		return
	}
	p := &c.pace
	rate := c.cfg.Rate()
	if rate <= 0 {
		p.until = 0
		return
	}
	queued += c.out.len() + 1 // it is one of them
	cost := min(time.Duration(int64(n+c.cfg.Headroom)*8e9/rate), paceLimit)
	step := cost / 4
	if c.cfg.Shared {
		if step = cost; queued >= queueHigh {
			step += cost / 8
		}
	}
	p.next = max(p.next, now.Add(-max(paceBurst*step, paceSlack))).Add(step)
	p.until = 0
	if p.next > now {
		p.until = p.next.Add(min(4*step, paceLump))
	}
	if queued >= queueHigh && !c.cfg.Shared {
		p.until = max(p.until, now.Add(time.Duration(queued-queueLow)*cost))
	}
	p.until = min(p.until, now.Add(paceLimit))
}

// backlog returns how many packets wait on this system in front of one that is sent now, without regard to
// how many more a flow that is blocked would have to wait for.
func (c *Conn) backlog() int {
	if c.cfg.Backlog == nil {
		return 0
	}
	return min(c.cfg.Backlog(), MaxWindow)
}

// keepBack queues a message that was taken until it may be sent.
func (c *Conn) keepBack(p *pkt.Buf) {
	c.pace.wait.push(p)
	c.pace.bytes += p.Len()
}

// nextPaced sends the message that has waited longest.
func (c *Conn) nextPaced(now clock.Time) *pkt.Buf {
	if c.pace.wait.len() == 0 || !c.maySend(now) {
		return nil
	}
	p := c.pace.wait.pop()
	c.pace.bytes -= p.Len()
	c.sendData(now, p)
	return c.out.pop()
}

// drop forgets what waits.
func (p *pacer) drop() {
	for p.wait.len() > 0 {
		p.wait.pop().Release()
	}
	p.wait.drop()
	p.bytes, p.at = 0, clock.Never
}

// pace returns what tells the rate of a flow: the congestion policy of its layer, or the link, which it shares.
func pace(f core.Flow) (rate func() int64, shared bool) {
	if rate = core.PaceOf(f); rate != nil {
		return rate, false
	}
	if f.Info().Rate == 0 {
		return nil, false
	}
	return func() int64 { return f.Info().Rate }, true
}
