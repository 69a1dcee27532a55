package frcp

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// tap is a source of entropy that can be closed.
type tap struct {
	rand.ChaCha8
	dry bool
}

func (t *tap) Read(b []byte) (int, error) {
	if t.dry {
		return 0, errors.New("no entropy")
	}
	return t.ChaCha8.Read(b)
}

// Without entropy nothing is sent rather than something in clear, keepalives of a known peer included; what was
// written on a reliable flow goes when there is some again.
func TestWithoutEntropyNothingIsSentInClear(t *testing.T) {
	for name, q := range secureModes {
		b := newBench(t, q, Params{})
		var users [2]listener
		var source tap
		ends, pipes := b.joinOf(901, &source, &users[0], &users[1])
		var sent [][]byte
		pipes[0].tap = func(p *pkt.Buf) bool {
			sent = append(sent, bytes.Clone(p.Bytes()))
			return true
		}
		for range 3 {
			b.say(ends[0], "known")
			b.say(ends[1], "known")
		}
		b.run(time.Second)
		source.dry = true
		for range 200 { // what was drawn is used up
			p := b.pool.GetCopy(ends[0].Info().Headroom, []byte("secret text"))
			if err := ends[0].Write(p); err != nil && !errors.Is(err, core.ErrCrypt) {
				if errors.Is(err, core.ErrWouldBlock) {
					p.Release()
				}
				break
			}
		}
		b.run(90 * time.Second)
		if ends[0].Stats().Unsealed == 0 {
			t.Errorf("%s: all was sent", name)
		}
		for _, p := range sent {
			if bytes.Contains(p, []byte("secret")) || len(p) > 0 && len(p) < 28 {
				t.Errorf("%s: sent %q", name, p)
			}
		}
		before := len(users[1].got)
		source.dry = false
		b.run(10 * time.Second)
		if q.Mode() != core.ModeReliable {
			b.say(ends[0], "again")
			b.run(time.Second)
		}
		if len(users[1].got) <= before || users[1].closed != nil {
			t.Errorf("%s: nothing arrives afterwards: %d, then %d, %v", name, before, len(users[1].got), users[1].closed)
		}
	}
}
