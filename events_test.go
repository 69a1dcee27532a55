package ouroboros_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/sim"
)

const (
	manyFlows = 60
	perFlow   = 8
)

// manyServer is one program without goroutines that serves all its flows: it echoes what comes on any of them, until
// each client has closed its flow or fallen silent.
func manyServer(app *ouroboros.App, log *strings.Builder, b core.Blocker) error {
	l, err := app.Listen("many")
	if err != nil {
		return err
	}
	set := app.NewSet()
	if err := set.AddListener(l); err != nil {
		return err
	}
	number := map[*ouroboros.Flow]int{}
	buf := make([]byte, 1500)
	for open := -1; open != 0; {
		events, err := set.WaitFor(5 * time.Second)
		if err != nil {
			return fmt.Errorf("after %d flows: %w", len(number), err)
		}
		for _, e := range events {
			switch {
			case e.Kind&ouroboros.EventAlloc != 0:
				f, err := l.Accept()
				if err != nil {
					return err
				}
				number[f] = len(number)
				open = max(open, 0) + 1
				if err := set.Add(f); err != nil {
					return err
				}
			case e.Kind&ouroboros.EventPkt != 0:
				n, err := e.Flow.ReadMsg(buf)
				if err != nil {
					return err
				}
				fmt.Fprintf(log, "%v flow %d: %d bytes\n", b.Now(), number[e.Flow], n)
				if err := e.Flow.WriteMsg(buf[:n]); err != nil {
					return err
				}
			case e.Kind&ouroboros.EventDealloc != 0:
				fmt.Fprintf(log, "%v flow %d: %v\n", b.Now(), number[e.Flow], e.Err)
				if err := e.Flow.Close(); err != nil {
					return err
				}
				open--
			}
		}
	}
	if len(number) != manyFlows {
		return fmt.Errorf("%d flows came, want %d", len(number), manyFlows)
	}
	return l.Close()
}

// manyClient keeps many flows busy at once, with a message on its way on each.
func manyClient(app *ouroboros.App, b core.Blocker) error {
	b.Sleep(20 * time.Millisecond)
	set := app.NewSet()
	at := map[*ouroboros.Flow]int{}
	message := func(f *ouroboros.Flow) []byte { return bytes.Repeat([]byte{byte(at[f])}, 10+at[f]*100) }
	for range manyFlows {
		f, err := app.Dial("many", ouroboros.WithQoS(core.QoSData), ouroboros.WithTimeout(5*time.Second))
		if err != nil {
			return err
		}
		if err := errors.Join(set.Add(f), f.WriteMsg(message(f))); err != nil {
			return err
		}
	}
	buf := make([]byte, 1500)
	for set.Len() > 0 {
		events, err := set.WaitFor(5 * time.Second)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Kind != ouroboros.EventPkt {
				return fmt.Errorf("event %v: %w", e.Kind, e.Err)
			}
			n, err := e.Flow.ReadMsg(buf)
			if err != nil {
				return err
			}
			if !bytes.Equal(buf[:n], message(e.Flow)) {
				return fmt.Errorf("%d bytes came back of %d", n, len(message(e.Flow)))
			}
			if at[e.Flow]++; at[e.Flow] == perFlow {
				err = e.Flow.Close()
			} else {
				err = e.Flow.WriteMsg(message(e.Flow))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// many runs server and client over an Ethernet shim, and returns what the server has seen.
func many(t *testing.T, w coretest.World) string {
	t.Helper()
	h := coretest.New(t, w)
	envs, allocs := pair(t, h, "eth-dix", core.LinkSpec{})
	var log strings.Builder
	ended := 0
	run := func(i int, program func(app *ouroboros.App, b core.Blocker) error) {
		h.Go(envs[i], func(b core.Blocker) {
			if err := program(ouroboros.New(envs[i], allocs[i], b), b); err != nil {
				t.Errorf("%s: %v", envs[i].Path, err)
			}
			ended++
		})
	}
	run(1, func(app *ouroboros.App, b core.Blocker) error { return manyServer(app, &log, b) })
	run(0, manyClient)
	h.Until("both programs have ended", func() bool { return ended == 2 })
	return log.String()
}

// TestOneProgramServesManyFlowsInBothWorlds: a server on an event set, the same source simulated and live.
func TestOneProgramServesManyFlowsInBothWorlds(t *testing.T) {
	for world, mk := range worlds {
		t.Run(world, func(t *testing.T) {
			log := many(t, mk())
			if n := strings.Count(log, "bytes"); n != manyFlows*perFlow {
				t.Errorf("%d messages were served, want %d", n, manyFlows*perFlow)
			}
			if n := strings.Count(log, core.ErrPeerClosed.Error()); n != manyFlows {
				t.Errorf("%d flows were closed by the client, want %d", n, manyFlows)
			}
		})
	}
}

// TestEventsComeInTheSameOrderInEveryRun of the simulator: each message of each flow at the same nanosecond.
func TestEventsComeInTheSameOrderInEveryRun(t *testing.T) {
	var logs [2]string
	var prints [2]uint64
	for i := range logs {
		w := sim.New(7)
		logs[i] = many(t, w)
		prints[i] = w.Fingerprint()
	}
	if logs[0] != logs[1] || prints[0] != prints[1] {
		t.Errorf("two runs differ: fingerprints %x, logs of %d and %d bytes", prints, len(logs[0]), len(logs[1]))
	}
}
