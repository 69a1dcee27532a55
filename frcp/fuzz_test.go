package frcp

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// fuzzSeeds are packets of spec 10 §10.18 and of our extensions, as the fuzzer's program: time to pass in
// units of 4 ms (1 byte), length (1 byte), packet.
func fuzzSeeds(f *testing.F) {
	var all []byte
	for _, p := range []string{
		"03 000000 12345678 00000000 68656c6c6f", "0f 345779 9abcdef0 12345679 776f726c64",
		"0c bcdff1 00000000 9abcdef1", "0d bcdff1 12345679 9abcdef1 616761696e",
		"10 000000 00000000 00000000", "08 34577a 00000000 00000000", "04 000000 00000000 9abcdef1",
		"0c 345779 00000000 12345679 01 09 01 1234567b 1234567d",
		"10 000000 00000000 00000000 02 0c 12345679 0000000000000001",
		"00 000000 00000000 00000000 03 0c 12345679 0000000000000001",
		"0b 000001 fffffffe 00000000 00", "", "03",
		"00 000000 00000000 00000000 04 09 03 12345679 9abcdef1", "00 000000 00000000 00000000 04 09 00 00000000 00000000",
		"00 000000 00000000 00000000 05 09 03 12345679 9abcdef1",
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(p, " ", ""))
		if err != nil {
			f.Fatal(err)
		}
		step := append([]byte{3, byte(len(b))}, b...)
		f.Add(step)
		all = append(all, step...)
	}
	f.Add(all)
	f.Add(append(all, all...))
}

// fuzzRecv lets a Conn that sends and reads meet any packets at all: it must not panic, not lose a buffer,
// not keep more than its window, and stay within its own promises.
func fuzzRecv(f *testing.F, mode core.Mode) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, program []byte) {
		isn := uint32(0x12345678)
		if len(program) > 2 && program[2]&0x20 != 0 { // a reserved bit of the first packet
			isn = -uint32(program[0])
		}
		for _, params := range []Params{{}, {OwnPeer: true}, {PlainAcks: true}, {NoRanges: true, NoUndo: true}, {NoTailProbe: true}, {Window: 64, GrowWindow: true, MaxWindow: 100, Memory: minMemory}, {Recovery: RecoveryPrototype}} {
			pool := pkt.NewPool()
			c, err := NewConn(Config{
				Params: params, Mode: mode, MPL: testMPL, Headroom: 32, Pool: pool,
				Rand: rand.New(constSource(isn)),
			}, 0)
			if err != nil {
				t.Fatal(err)
			}
			var now clock.Time
			for rest := program; len(rest) >= 2; {
				now = now.Add(time.Duration(rest[0]) * 4 * time.Millisecond)
				n := min(int(rest[1]), len(rest)-2)
				if c.Deadline() <= now {
					c.Tick(now)
				}
				c.Recv(now, pool.GetCopy(0, rest[2:2+n]))
				if n%3 != 0 { // the reader is slow
					for p := c.Deliver(); p != nil; p = c.Deliver() {
						p.Release()
					}
				}
				if n%2 == 0 {
					p := pool.Get(64, 4)
					binary.BigEndian.PutUint32(p.Bytes(), uint32(n))
					if errors.Is(c.Send(now, p), core.ErrWouldBlock) {
						p.Release()
					}
				}
				out := 0
				for p := c.Next(now); p != nil; p = c.Next(now) {
					p.Release()
					if out++; out > 2*StartWindow+resendBurst {
						t.Fatal("one packet makes it send without end")
					}
				}
				st := c.Stats()
				if st.Outstanding < 0 || st.Outstanding > MaxWindow || c.rcv.ready.len() > c.rcv.win || c.rcv.bytes > c.cfg.Memory || st.Window > MaxWindow {
					t.Fatalf("out of bounds: %+v, %d ready", st, c.rcv.ready.len())
				}
				rest = rest[2+n:]
			}
			endsBySilence(t, c, now)
			c.Close()
			c.Release()
			if n := pool.Live(); n != 0 {
				t.Fatalf("%d buffers leaked", n)
			}
			if c.Deadline() != clock.Never {
				t.Fatalf("deadline %v after the end", c.Deadline())
			}
		}
	})
}

// endsBySilence lets nothing arrive any more: whatever state the packets before have left, the flow is acknowledged or
// down when R is over, and little is sent until then.
func endsBySilence(t *testing.T, c *Conn, now clock.Time) {
	until := now.Add(c.cfg.R + 2*maxRTO)
	for n := 0; c.Deadline() <= until; n++ {
		now = max(now, c.Deadline())
		c.Tick(now)
		for p := c.Next(now); p != nil; p = c.Next(now) {
			p.Release()
		}
		if n > 200_000 && c.cfg.Recovery == RecoveryRACK {
			t.Fatalf("it does not come to rest: deadline %v at %v, %+v", c.Deadline(), now, c.Stats())
		}
	}
	if c.Unacked() && c.cfg.Recovery == RecoveryRACK {
		t.Fatalf("unacknowledged %v after the last packet: %+v", c.cfg.R, c.Stats())
	}
}

func FuzzRecvReliable(f *testing.F) { fuzzRecv(f, core.ModeReliable) }
func FuzzRecvOrdered(f *testing.F)  { fuzzRecv(f, core.ModeOrdered) }
func FuzzRecvRaw(f *testing.F)      { fuzzRecv(f, core.ModeRaw) }
