package frcp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// mixed is a Conn of ours, a prototype, and a path of 5 ms between them.
type mixed struct {
	t      *testing.T
	now    clock.Time
	ours   *Conn
	proto  *prototype
	pool   *pkt.Pool
	rnd    *rand.Rand
	loss   float64
	flight []inFlight
	writes []uint32
	got    []uint32
}

type inFlight struct {
	at     clock.Time
	toOurs bool
	b      []byte
}

func newMixed(t *testing.T, mode core.Mode, isn uint32) *mixed {
	t.Helper()
	m := &mixed{t: t, pool: pkt.NewPool(), proto: newPrototype(mode == core.ModeReliable), rnd: rand.New(rand.NewPCG(1, uint64(isn)))}
	c, err := NewConn(Config{Mode: mode, MPL: testMPL, Headroom: 32, Pool: m.pool, Rand: rand.New(constSource(isn))}, 0)
	if err != nil {
		t.Fatal(err)
	}
	m.ours = c
	return m
}

// run lets time pass, half a millisecond at a time.
func (m *mixed) run(d time.Duration) {
	for until := m.now.Add(d); m.now < until; m.now = m.now.Add(500 * time.Microsecond) {
		m.step()
	}
}

func (m *mixed) step() {
	for len(m.flight) > 0 && m.flight[0].at <= m.now {
		f := m.flight[0]
		m.flight = m.flight[1:]
		if f.toOurs {
			m.ours.Recv(m.now, m.pool.GetCopy(32, f.b))
		} else {
			m.proto.receive(m.now, f.b)
		}
	}
	if m.ours.Deadline() <= m.now {
		m.ours.Tick(m.now)
	}
	for p := m.ours.Deliver(); p != nil; p = m.ours.Deliver() {
		m.got = append(m.got, binary.BigEndian.Uint32(p.Bytes()))
		p.Release()
	}
	for len(m.writes) > 0 {
		p := m.pool.Get(64, 4)
		binary.BigEndian.PutUint32(p.Bytes(), m.writes[0])
		if err := m.ours.Send(m.now, p); err != nil {
			if errors.Is(err, core.ErrWouldBlock) {
				p.Release()
			}
			break
		}
		m.writes = m.writes[1:]
	}
	for p := m.ours.Next(m.now); p != nil; p = m.ours.Next(m.now) {
		m.transmit(false, append([]byte(nil), p.Bytes()...))
		p.Release()
	}
	m.proto.serve(m.now, m.rnd)
	for _, b := range m.proto.out {
		m.transmit(true, b)
	}
	m.proto.out = nil
}

func (m *mixed) transmit(toOurs bool, b []byte) {
	if m.rnd.Float64() >= m.loss {
		m.flight = append(m.flight, inFlight{m.now.Add(5 * time.Millisecond), toOurs, b})
	}
}

func (m *mixed) want(what string, got []uint32, n int) {
	m.t.Helper()
	if len(got) != n {
		m.t.Fatalf("%s: %d of %d messages after %v: ours %+v, prototype %+v %+v", what, len(got), n, m.now, m.ours.Stats(), m.proto.snd, m.proto.rcv)
	}
	for i, v := range got {
		if v != uint32(i) {
			m.t.Fatalf("%s: message %d is %d", what, i, v)
		}
	}
	if m.proto.odd > 0 {
		m.t.Errorf("%s: %d packets that are none of the prototype's", what, m.proto.odd)
	}
	if m.ours.Err() != nil {
		m.t.Errorf("%s: %v", what, m.ours.Err())
	}
}

func messages(n int) (m []uint32) {
	for i := range n {
		m = append(m, uint32(i))
	}
	return m
}

// With the parameters that a flow to anybody has, data flows between an end of ours and a prototype, and nothing of
// ours takes the prototype's hearing but the ack that cannot be avoided (spec 10 §10.19 D1, D2, §10.20).
func TestWithAPrototype_10_20(t *testing.T) {
	for _, mode := range []core.Mode{core.ModeOrdered, core.ModeReliable} {
		for _, isn := range []uint32{0x12345678, 0xfffffff0, 0x7fffffff} {
			run := func(name string, f func(m *mixed)) {
				t.Run(fmt.Sprintf("%v/%x/%s", mode, isn, name), func(t *testing.T) {
					m := newMixed(t, mode, isn)
					m.t = t
					f(m)
				})
			}
			run("we ask", func(m *mixed) {
				for i := range 300 {
					m.writes = []uint32{uint32(i)}
					m.run(20 * time.Millisecond)
					m.proto.writes = []uint32{uint32(i)}
					m.run(20 * time.Millisecond)
				}
				m.run(time.Second)
				m.want("requests", m.proto.got, 300)
				m.want("replies", m.got, 300)
				if m.proto.poisoned {
					t.Error("the prototype is deaf")
				}
			})
			run("it asks", func(m *mixed) {
				for i := range 300 {
					m.proto.writes = []uint32{uint32(i)}
					m.run(100 * time.Millisecond)
					m.writes = []uint32{uint32(i)}
					m.run(50 * time.Millisecond)
				}
				m.run(time.Second)
				m.want("requests", m.got, 300)
				m.want("replies", m.proto.got, 300)
				if m.proto.poisoned {
					t.Error("the prototype is deaf")
				}
			})
			run("we send much", func(m *mixed) {
				m.writes = messages(5000)
				m.run(10 * time.Second)
				m.want("bulk", m.proto.got, 5000)
				m.proto.writes = messages(10)
				m.run(5 * time.Second)
				m.want("answer", m.got, 10)
			})
			run("it sends much", func(m *mixed) {
				m.proto.writes = messages(5000)
				m.run(40 * time.Second)
				m.want("bulk", m.got, 5000)
			})
			run("both send, and again after a silence", func(m *mixed) {
				for i := range 3 {
					m.writes, m.proto.writes = messages(500), messages(500)
					m.proto.got, m.got = nil, nil
					m.run(10 * time.Second)
					m.want(fmt.Sprint("ours ", i), m.proto.got, 500)
					m.want(fmt.Sprint("its ", i), m.got, 500)
					m.run(140 * time.Second)
				}
			})
			run("we close", func(m *mixed) {
				m.writes = messages(200)
				m.run(5 * time.Millisecond)
				for len(m.writes) > 0 {
					m.run(time.Millisecond)
				}
				m.ours.Close()
				m.run(10 * time.Second)
				m.want("bulk", m.proto.got, 200)
				if !m.ours.Settled() {
					t.Error("the end does not end")
				}
			})
			if mode == core.ModeReliable {
				run("with loss", func(m *mixed) {
					m.loss = 0.05
					m.writes = messages(1000)
					m.run(30 * time.Second)
					m.want("bulk", m.proto.got, 1000)
					m.proto.writes = messages(300)
					m.run(60 * time.Second)
					m.want("answer", m.got, 300)
				})
			}
		}
	}
}

// A prototype does not say what has arrived behind a hole, so on a path that loses, hardly an ack is that of a packet which
// was sent once and is acknowledged in time. The time-out does not grow for that, neither by samples that are none nor
// for want of one: these flows were down after R, or slow for minutes.
func TestLossesWithAPrototypeDoNotStretchTheTimeOut_10_10(t *testing.T) {
	for _, c := range []struct {
		isn  uint32
		loss float64
	}{
		{0x7d2b74f0, 0.05},
		{0xfffffff0, 0.05},
		{0xde86258, 0.15},
		{0x1bd0c4ab, 0.15},
		{0xa6e49be9, 0.15},
	} {
		m := newMixed(t, core.ModeReliable, c.isn)
		m.loss, m.writes = c.loss, messages(1000)
		for m.now < clock.Time(2*time.Minute) && len(m.proto.got) < 1000 {
			m.run(time.Second)
		}
		m.want(fmt.Sprintf("from %x", c.isn), m.proto.got, 1000)
		if s := m.ours.Stats(); s.SRTT > 200*time.Millisecond {
			t.Errorf("from %x: SRTT %v of a path of 10 ms", c.isn, s.SRTT)
		}
	}
}
