package frcp

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// listener is a user that keeps what it gets.
type listener struct {
	got    []string
	closed error
}

func (l *listener) Deliver(p *pkt.Buf) {
	l.got = append(l.got, string(p.Bytes()))
	p.Release()
}
func (l *listener) Writable()        {}
func (l *listener) State(bool)       {}
func (l *listener) Closed(err error) { l.closed = err }

// say writes a message of an endpoint's user.
func (b *bench) say(e *Endpoint, text string) {
	b.t.Helper()
	if err := e.Write(b.pool.GetCopy(e.Info().Headroom, []byte(text))); err != nil {
		b.t.Fatal(err)
	}
}

var secureModes = map[string]core.QoS{"raw": core.QoSRaw, "ordered": core.QoSVoice, "reliable": core.QoSData}

// Everything but keepalives is encrypted last, the PCI of FRCP, its acks and retransmissions included (spec 10
// §10.2, 11 §11.10): no two packets begin alike and none holds the text, and 28 bytes are added to each.
func TestAllIsEncrypted_10_2(t *testing.T) {
	const text = "a text that nobody else must read, and a long one"
	for name, q := range secureModes {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, q, Params{})
			var users [2]listener
			ends, pipes := b.join(901, &users[0], &users[1])
			var packets [][]byte
			lose := 0
			for i := range pipes {
				pipes[i].tap = func(p *pkt.Buf) bool {
					packets = append(packets, bytes.Clone(p.Bytes()))
					lose--
					return lose < 0
				}
			}
			b.say(ends[0], text)
			b.run(time.Second)
			lose = 1
			b.say(ends[0], text) // lost, and sent again on the reliable flow
			b.run(10 * time.Second)
			b.say(ends[1], text)
			b.run(time.Second)
			want := map[string]int{"raw": 1, "ordered": 1, "reliable": 2}[name]
			if len(users[1].got) != want || len(users[0].got) != 1 || users[1].got[0] != text || users[0].got[0] != text {
				t.Fatalf("delivered %q and %q", users[1].got, users[0].got)
			}
			if q.Mode() == core.ModeReliable && ends[0].Stats().Retransmitted == 0 {
				t.Error("nothing was sent again")
			}
			pci := 0
			if q.Mode() != core.ModeRaw {
				pci = 12
			}
			starts := map[string]bool{}
			for _, p := range packets {
				if len(p) == 0 {
					continue
				}
				if strings.Contains(string(p), text[:8]) || starts[string(p[:4])] {
					t.Errorf("packet % x", p)
				}
				starts[string(p[:4])] = true
				if n := len(p); n == len(text)+pci || n != len(text)+pci+28 && (pci == 0 || n < 12+28) {
					t.Errorf("a packet of %d bytes", n)
				}
			}
			if i := ends[0].Info(); i.Cipher != 901 || i.Peer != "peer" || i.MTU != 1500-28-pci || i.Headroom != 20+12+pci {
				t.Errorf("%+v", i)
			}
		})
	}
}

// Packets in clear, changed, replayed or reflected do not reach FRCP, are counted, and do not keep the flow
// alive; the flow goes on.
func TestAttackedFlowGoesOn(t *testing.T) {
	for name, q := range secureModes {
		t.Run(name, func(t *testing.T) {
			q.Timeout = 4000
			b := newBench(t, q, Params{})
			var users [2]listener
			ends, pipes := b.join(901, &users[0], &users[1])
			var last []byte
			pipes[0].tap = func(p *pkt.Buf) bool {
				last = bytes.Clone(p.Bytes())
				return true
			}
			b.say(ends[0], "one")
			one := last
			inject := func(e *Endpoint, packet []byte) { e.Deliver(b.pool.GetCopy(0, packet)) }
			plain := append([]byte{0x03, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0}, "in clear, long enough for a tag"...)
			for range 3 {
				inject(ends[1], plain)
				inject(ends[1], one)
				inject(ends[0], one)
				bad := bytes.Clone(one)
				bad[len(bad)-1] ^= 1
				inject(ends[1], bad)
			}
			if s := ends[1].Stats().Crypt; s.Forged != 3 || s.Replayed != 6 {
				t.Errorf("receiver %+v", s)
			}
			if s := ends[0].Stats().Crypt; s.Reflected != 3 {
				t.Errorf("sender %+v", s)
			}
			b.say(ends[0], "two")
			b.run(100 * time.Millisecond)
			if got := strings.Join(users[1].got, " "); got != "one two" || len(users[0].got) != 0 {
				t.Errorf("delivered %q and %q", got, users[0].got)
			}
			pipes[0].tap = func(*pkt.Buf) bool { return false }
			for range 60 {
				b.run(100 * time.Millisecond)
				inject(ends[1], one)
				inject(ends[1], plain)
			}
			if users[1].closed == nil {
				t.Error("forged and replayed packets keep a dead peer alive")
			}
		})
	}
}

// A cipher that this system has not fails the flow, and nothing is sent in clear.
func TestUnknownCipherFails(t *testing.T) {
	b := newBench(t, core.QoSData, Params{})
	p := &pipe{bench: b}
	if _, err := Wrap(b.e.env, &lockedPipe{pipe: p, s: core.Security{Cipher: 5}}); core.CodeOf(err) != core.ErrCrypt {
		t.Error(err)
	}
}
