package frcp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// maze is two Conns and a network that does whatever a program says within the lifetime of packets: it delivers,
// duplicates and drops any packet under way, and lets time pass up to the edges of seconds and beyond the limits
// of inactivity. Its oracle is as simple as can be: each end numbers its messages, and what the other delivers must
// be the next one on a reliable flow, a later one on an ordered flow.
type maze struct {
	mode    core.Mode
	now     clock.Time
	pool    *pkt.Pool
	conn    [2]*Conn
	flight  [2][]underWay // by sender
	sent    [2]uint32     // messages that were taken
	next    [2]uint32     // message of this end that the other may deliver next
	got     [2]uint32     // messages of this end that were delivered
	reading [2]bool
	fault   string // the first rule that was broken
}

type underWay struct {
	p    *pkt.Buf
	sent clock.Time
}

// mazeParams are the variants of parameters that programs choose from.
var mazeParams = []Params{
	{},
	{OwnPeer: true},
	{PlainAcks: true},
	{OwnPeer: true, Window: 64, Memory: minMemory},
	{NoRanges: true, NoUndo: true},
	{NoTailProbe: true, Window: 64, GrowWindow: true, MaxWindow: 70},
	{Recovery: RecoveryPrototype},
	{AckEvery: 1, AckDelay: time.Second},
}

// mazeTimes are steps of time: around ticks, acks, time-outs, the end of A, R and both limits of inactivity.
var mazeTimes = []time.Duration{
	0, 1, time.Microsecond, time.Millisecond, 9 * time.Millisecond, 99 * time.Millisecond, 999 * time.Millisecond, time.Second + 1,
	11 * time.Second, 119 * time.Second, 130 * time.Second, 131 * time.Second, 132 * time.Second, 134 * time.Second, 270 * time.Second,
}

func newMaze(mode core.Mode, params Params, isn uint32, paced bool) *maze {
	m := &maze{mode: mode, pool: pkt.NewPool(), reading: [2]bool{true, true}, now: clock.Time(999_999_000)}
	for i := range m.conn {
		c, err := NewConn(Config{
			Params: params, Mode: mode, MPL: testMPL, Headroom: 32, Pool: m.pool, Rand: rand.New(constSource(isn - uint32(i)*7)),
		}, m.now)
		if err != nil {
			panic(err)
		}
		if paced {
			c.cfg.Rate = func() int64 { return 1e5 }
			c.cfg.Backlog = func() int { return len(m.flight[i]) }
		}
		m.conn[i] = c
	}
	return m
}

// step is one instruction.
func (m *maze) step(op, arg byte) {
	dir := int(op & 1)
	f := &m.flight[dir]
	switch k := int(arg) % max(1, len(*f)); op >> 1 % 8 {
	case 0:
		m.send(dir, 1+int(arg)%70)
	case 1, 2:
		if len(*f) > 0 {
			p := (*f)[k]
			*f = append((*f)[:k], (*f)[k+1:]...)
			m.conn[1-dir].Recv(m.now, p.p)
		}
	case 3:
		if n := len(*f); n > 0 && n < 500 {
			*f = append(*f, underWay{(*f)[k].p.Clone(), (*f)[k].sent})
		}
	case 4:
		if len(*f) > 0 {
			(*f)[k].p.Release()
			*f = append((*f)[:k], (*f)[k+1:]...)
		}
	case 5:
		if dir == 0 {
			m.pass(mazeTimes[int(arg)%len(mazeTimes)])
		} else { // to just before, at, or just after the next full second
			edge := clock.Time(wholeSeconds(m.now)+1)*1e9 + clock.Time(arg%3) - 1
			m.pass(edge.Sub(m.now))
		}
	case 6:
		m.reading[dir] = arg%4 != 0
	case 7:
		m.exchange(int(arg))
	}
	m.settle()
}

func (m *maze) send(i, n int) {
	for range n {
		p := m.pool.Get(64, 4)
		binary.BigEndian.PutUint32(p.Bytes(), m.sent[i])
		if errors.Is(m.conn[i].Send(m.now, p), core.ErrWouldBlock) {
			p.Release()
			return
		}
		if m.conn[i].Err() != nil {
			return
		}
		m.sent[i]++
	}
}

// exchange delivers what is under way, in order, n times at most.
func (m *maze) exchange(n int) {
	for ; n >= 0 && len(m.flight[0])+len(m.flight[1]) > 0; n-- {
		for i := range m.flight {
			f := m.flight[i]
			m.flight[i] = nil
			for _, p := range f {
				m.conn[1-i].Recv(m.now, p.p)
			}
		}
		m.settle()
	}
}

// settle takes what the Conns have, and checks them.
func (m *maze) settle() {
	for i, c := range m.conn {
		for n := 0; ; n++ {
			p := c.Next(m.now)
			if p == nil {
				break
			}
			// The prototype sends all that is outstanding again at every time-out, and knows no delayed acks.
			if len(m.flight[i]) > 5000 && c.cfg.Recovery == RecoveryRACK {
				p.Release()
				m.broken("end %d sends without end", i)
				break
			}
			m.flight[i] = append(m.flight[i], underWay{p, m.now})
		}
		for m.reading[i] {
			p := c.Deliver()
			if p == nil {
				break
			}
			m.deliver(1-i, binary.BigEndian.Uint32(p.Bytes()))
			p.Release()
		}
		r := &c.rcv
		if r.bytes < 0 || r.bytes > c.cfg.Memory || r.ready.len() > r.win || r.held.len() > holdPackets || len(r.ring) > 4*MaxWindow ||
			c.snd.bytes < 0 || c.snd.bytes > c.cfg.Memory+4+12 {
			m.broken("end %d keeps %d bytes, %d ready of %d, %d held, %d unacknowledged", i, r.bytes, r.ready.len(), r.win, r.held.len(), c.snd.bytes)
		}
	}
}

func (m *maze) deliver(i int, v uint32) {
	switch {
	case m.mode == core.ModeReliable && v != m.next[i], v < m.next[i]:
		m.broken("message %d of end %d was delivered, %d was due", v, i, m.next[i])
	case v >= m.sent[i]:
		m.broken("message %d of end %d was delivered, %d were sent", v, i, m.sent[i])
	}
	m.next[i] = v + 1
	m.got[i]++
}

func (m *maze) broken(format string, args ...any) {
	if m.fault == "" {
		m.fault = fmt.Sprintf("%v: ", m.now) + fmt.Sprintf(format, args...)
	}
}

// pass lets time go by. Packets die when they have been under way for the lifetime of a packet.
func (m *maze) pass(d time.Duration) {
	until := m.now.Add(max(d, 0))
	for m.fault == "" {
		t := min(m.conn[0].Deadline(), m.conn[1].Deadline())
		if t > until {
			break
		}
		m.now = max(m.now, t)
		m.expire()
		for _, c := range m.conn {
			if c.Deadline() <= m.now {
				c.Tick(m.now)
			}
		}
		m.settle()
	}
	m.now = max(m.now, until)
	m.expire()
}

func (m *maze) expire() {
	for i, f := range m.flight {
		keep := f[:0]
		for _, p := range f {
			if m.now.Sub(p.sent) > testMPL {
				p.p.Release()
			} else {
				keep = append(keep, p)
			}
		}
		m.flight[i] = keep
	}
}

// finish heals the network and lets everything come to an end: everything is delivered and acknowledged, or an end
// has failed. Nothing may be left behind.
func (m *maze) finish() {
	m.reading = [2]bool{true, true}
	m.settle()
	c := m.conn
	limit := m.now.Add(20 * time.Minute) // sums of R and of time-outs
	for m.fault == "" && m.now < limit {
		m.exchange(1000)
		if !c[0].Unacked() && !c[1].Unacked() && len(m.flight[0])+len(m.flight[1]) == 0 {
			break
		}
		m.pass(10 * time.Millisecond)
	}
	failed := c[0].Err() != nil || c[1].Err() != nil
	if m.fault == "" && m.mode == core.ModeReliable && !failed && c[0].cfg.Recovery == RecoveryRACK {
		for i := range c {
			if m.got[i] != m.sent[i] || c[i].Unacked() {
				m.broken("%d of %d messages of end %d arrived, unacknowledged: %v, %+v; %+v", m.got[i], m.sent[i], i, c[i].Unacked(), c[i].Stats(), c[1-i].Stats())
			}
		}
	}
	for i := range c {
		c[i].Close()
		c[i].Release()
		if d := c[i].Deadline(); d != clock.Never {
			m.broken("end %d has a deadline after its end: %v", i, d)
		}
		for _, p := range m.flight[i] {
			p.p.Release()
		}
	}
	if n := m.pool.Live(); n != 0 {
		m.broken("%d buffers leaked", n)
	}
}

// runMaze runs a program: a header that chooses the flow, and instructions of two bytes.
func runMaze(program []byte) string {
	if len(program) < 4 {
		return ""
	}
	mode := []core.Mode{core.ModeReliable, core.ModeReliable, core.ModeOrdered}[program[0]%3]
	isn := []uint32{0, -uint32(program[2]), 1<<24 - uint32(program[2]), 1<<31 - uint32(program[2]), 0x12345678}[program[1]%5]
	m := newMaze(mode, mazeParams[program[3]%8], isn, program[3]&0x80 != 0)
	for p := program[4:]; len(p) >= 2 && m.fault == ""; p = p[2:] {
		m.step(p[0], p[1])
	}
	m.finish()
	return m.fault
}

// FuzzMaze: delta-t holds whatever the network does within the lifetime of packets (validation §7).
func FuzzMaze(f *testing.F) {
	f.Add([]byte{0, 1, 3, 1, 0, 5, 2, 0, 2, 0, 14, 9, 10, 9, 0, 1, 15, 5, 10, 10, 0, 3, 14, 200})
	f.Add([]byte{0, 1, 3, 0, 0, 69, 6, 1, 2, 9, 2, 3, 10, 4, 11, 0, 1, 3, 3, 0, 10, 8, 14, 9, 10, 12, 0, 9, 14, 3})
	f.Add([]byte{2, 2, 9, 1, 0, 69, 14, 1, 0, 69, 10, 6, 12, 4, 10, 11, 0, 1, 4, 0})
	f.Add([]byte{1, 3, 9, 0x85, 0, 69, 1, 20, 10, 5, 14, 9, 10, 3, 8, 1, 10, 9, 14, 9})
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) > 600 {
			t.Skip("long programs only take time")
		}
		if fault := runMaze(program); fault != "" {
			t.Fatal(fault)
		}
	})
}

// The same with programs that are drawn, of which more get anywhere.
func TestDeltaTHoldsInAMaze(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		program := []byte{rapid.Byte().Draw(t, "mode"), rapid.Byte().Draw(t, "isn"), rapid.Byte().Draw(t, "before"), rapid.Byte().Draw(t, "params")}
		ops := rapid.SampledFrom([]byte{0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 12, 13, 14, 14, 14})
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			program = append(program, ops.Draw(t, "op"), rapid.Byte().Draw(t, "arg"))
		}
		if fault := runMaze(program); fault != "" {
			t.Fatalf("%s; program %v", fault, program)
		}
	})
}
