package ouroboros_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm"
	"ouroboros/ipcp/broadcast"
	"ouroboros/shim/eth"
)

// broadcastLayer makes a broadcast layer "bc" of n systems in a circle, and returns their brokers once all
// connections are made.
func broadcastLayer(t *testing.T, h *coretest.Harness, n int) (envs []core.Env, brokers []*irm.Broker) {
	members := make([]*broadcast.IPCP, n)
	name := func(i int) core.Name { return core.Name(fmt.Sprintf("bc.%d", i)) }
	wire := func(i int) core.Name { return core.Name(fmt.Sprintf("w%d", i)) }
	for i := range n {
		env := h.Node(fmt.Sprintf("n%d", i))
		envs = append(envs, env)
		brokers = append(brokers, irm.New(env.Derive("irm"), irm.Config{
			Register: map[core.Name][]core.Name{name(i): {wire(i), wire((i + n - 1) % n)}},
		}))
	}
	for i := range n {
		ends := [2]core.Link{}
		ends[0], ends[1] = h.Wire(core.LinkSpec{Name: string(wire(i))}, envs[i], envs[(i+1)%n]).Ends()
		for side, k := range []int{i, (i + 1) % n} {
			shim, err := eth.New(envs[k].Derive("eth"), ends[side], eth.Config{Layer: wire(i), Hash: core.SHA3_256})
			if err != nil {
				t.Fatal(err)
			}
			h.On(envs[k], func() {
				if err := brokers[k].AddProvider(shim); err != nil {
					t.Error(err)
				}
			})
		}
	}
	stand := 0
	for i := range n {
		m, err := broadcast.New(envs[i].Derive("bc"), brokers[i], broadcast.Config{
			Name: name(i), Tree: broadcast.TreeConfig{Hello: 50 * time.Millisecond},
		})
		if err != nil {
			t.Fatal(err)
		}
		members[i] = m
		h.On(envs[i], func() {
			if err := errors.Join(m.Bootstrap("bc"), brokers[i].AddProvider(m), m.Serve()); err != nil {
				t.Error(err)
			}
		})
	}
	for i, m := range members {
		h.On(envs[i], func() {
			m.Connect(name((i+1)%n), wire(i), broadcast.ConnectOptions{}, func(err error) {
				if err != nil {
					t.Error(err)
				}
				stand++
			})
		})
	}
	h.Until("all are connected", func() bool { return stand == n })
	t.Cleanup(func() {
		for i, m := range members {
			h.On(envs[i], m.Leave)
		}
		h.Released()
	})
	return envs, brokers
}

// TestJoinedProgramsHearEachOther: three programs on three systems join a broadcast layer by its name; what
// one writes, the two others read, each message whole and once, in both worlds (spec 14 §14.2). The connections of
// the layer form a circle.
func TestJoinedProgramsHearEachOther_14_2(t *testing.T) {
	const n, rounds = 3, 5
	for world, mk := range worlds {
		t.Run(world, func(t *testing.T) {
			h := coretest.New(t, mk())
			envs, brokers := broadcastLayer(t, h, n)
			h.Advance(500 * time.Millisecond) // for the tree
			heard, joined, ended := make([][]string, n), 0, 0
			program := func(i int, app *ouroboros.App, b core.Blocker) error {
				f, err := app.Join("bc", ouroboros.WithTimeout(5*time.Second))
				if err != nil {
					return err
				}
				if f.QoS().Mode() != core.ModeRaw || f.QoS().Timeout != 0 {
					t.Errorf("a joined flow has the quality %+v", f.QoS())
				}
				b.Do(func() { joined++ })
				for all := false; !all; {
					b.Sleep(5 * time.Millisecond)
					b.Do(func() { all = joined == n })
				}
				for k := range rounds {
					if err := f.WriteMsg([]byte(fmt.Sprintf("%d says %d", i, k))); err != nil {
						return err
					}
				}
				buf := make([]byte, 100)
				f.SetReadDeadline(b.Now().Add(500 * time.Millisecond))
				for {
					m, err := f.ReadMsg(buf)
					if errors.Is(err, core.ErrTimedOut) {
						return f.Close()
					}
					if err != nil {
						return err
					}
					heard[i] = append(heard[i], string(buf[:m]))
				}
			}
			for i := range n {
				h.Go(envs[i], func(b core.Blocker) {
					app := ouroboros.New(envs[i], brokers[i], b)
					if err := program(i, app, b); err != nil {
						t.Error(err)
					}
					b.Do(func() { ended++ })
				})
			}
			h.Until("all programs have ended", func() bool { return ended == n })
			for i := range n {
				var want []string
				for o := range n {
					for k := 0; o != i && k < rounds; k++ {
						want = append(want, fmt.Sprintf("%d says %d", o, k))
					}
				}
				slices.Sort(heard[i])
				if !slices.Equal(heard[i], want) {
					t.Errorf("program %d heard %v, want %v", i, heard[i], want)
				}
			}
		})
	}
}

// A layer that this system is no member of cannot be joined.
func TestJoinOfAnUnknownLayer_14_2(t *testing.T) {
	h := coretest.New(t, worlds["simulated"]())
	envs, brokers := broadcastLayer(t, h, 3)
	var got error
	h.Go(envs[0], func(b core.Blocker) { _, got = ouroboros.New(envs[0], brokers[0], b).Join("bd") })
	h.Until("the program has ended", func() bool { return got != nil })
	if !errors.Is(got, core.ErrIPCP) {
		t.Errorf("%v, want %v", got, core.ErrIPCP)
	}
}
