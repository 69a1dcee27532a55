package eth

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/shim/internal/shimtest"
)

// shared is a segment of two stations with an LLC shim and two Ethernet II shims at each.
type shared struct {
	*net
	splits []*Split
	kinds  [2][3]member // by station: LLC, EtherType A000, EtherType A001
}

func newShared(t testing.TB) *shared {
	x := &shared{}
	x.net = newNetOf(t, 2, func(env core.Env, l core.Link) (member, error) {
		s, err := NewSplit(l)
		if err != nil {
			return member{}, err
		}
		station := len(x.splits)
		x.splits = append(x.splits, s)
		for i, typ := range []uint16{0xA000, 0xA001} {
			port, err := s.EtherType(typ)
			if err != nil {
				return member{}, err
			}
			dix, err := New(env, port, Config{Layer: "lan", EtherType: typ, Hash: core.SHA3_256})
			if err != nil {
				return member{}, err
			}
			x.kinds[station][1+i] = member{dix.Machine, dix}
		}
		port, err := s.LLC()
		if err != nil {
			return member{}, err
		}
		m, err := newLLCMember(env, port)
		x.kinds[station][0] = m
		return m, err
	})
	return x
}

// flow sets up a flow between the shims of one kind.
func (x *shared) flow(kind int) (client core.Flow, server *shimtest.Sink) {
	x.t.Helper()
	x.shims[0], x.shims[1] = x.kinds[0][kind], x.kinds[1][kind]
	client, f := x.connect(core.QoSRaw)
	server = &shimtest.Sink{}
	f.Attach(server)
	return client, server
}

// Each shim gets its own frames and no others.
func TestSplitPartsFramesByType(t *testing.T) {
	x := newShared(t)
	var flows [3]core.Flow
	var sinks [3]*shimtest.Sink
	for kind := range flows {
		flows[kind], sinks[kind] = x.flow(kind)
	}
	for i, f := range flows {
		if err := x.write(f, string(rune('a'+i))); err != nil {
			t.Error(err)
		}
	}
	x.w.Run(10 * time.Millisecond)
	for i, s := range sinks {
		if !slices.Equal(s.Got, []string{string(rune('a' + i))}) {
			t.Errorf("shim %d received %q", i, s.Got)
		}
		if d := x.kinds[1][i].Drop; d != x.kinds[0][0].Drop {
			t.Errorf("shim %d dropped %+v", i, d)
		}
	}
	x.ends[1].Frame(unhex(t, `02aabbccdd02 02aabbccdd01 0800 4500`))
	if x.splits[1].Unclaimed != 1 {
		t.Errorf("%d frames for nobody, want 1", x.splits[1].Unclaimed)
	}
	x.ends[1].Frame(unhex(t, `02aabbccdd02 02aabb`))
	if x.kinds[1][0].Drop.Short != 1 {
		t.Error("a frame without a type is not counted")
	}
	phantom := x.w.Pool().GetPhantom(0, 0, 100)
	x.splits[1].Receive(phantom, core.Addr{})
	if x.kinds[1][0].Drop.Short != 2 {
		t.Error("a phantom of zeros is an LLC frame of length 0")
	}
}

// A full link blocks every shim on it; they get their turns in the order in which they were refused.
func TestSplitSharesAFullLink(t *testing.T) {
	x := newShared(t)
	var flows [3]core.Flow
	var order []int
	for kind := range flows {
		flows[kind], _ = x.flow(kind)
		sink := &shimtest.Sink{}
		sink.OnWritable = func() {
			order = append(order, kind)
			if err := x.write(flows[kind], "again"); err != nil && !errors.Is(err, core.ErrWouldBlock) {
				t.Error(err)
			}
		}
		flows[kind].Attach(sink)
	}
	x.ends[0].Room = 0
	for _, i := range []int{1, 0, 2} {
		if err := x.write(flows[i], "x"); !errors.Is(err, core.ErrWouldBlock) {
			t.Fatal(err)
		}
	}
	// Room for one: shim 1 sends, shim 0 is refused again and goes to the end, behind shim 2.
	x.ends[0].Unblock(1)
	if want := []int{1, 0}; !slices.Equal(order, want) {
		t.Fatalf("%v, want %v", order, want)
	}
	x.ends[0].Unblock(-1)
	if want := []int{1, 0, 2, 0}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
	x.w.Run(10 * time.Millisecond)
}

func TestSplitTellsEveryShimOfTheLink(t *testing.T) {
	x := newShared(t)
	var sinks []*shimtest.Sink
	for kind := range 3 {
		f, _ := x.flow(kind)
		s := &shimtest.Sink{}
		f.Attach(s)
		sinks = append(sinks, s)
	}
	x.ends[0].SetUp(false)
	x.ends[0].SetUp(true)
	for i, s := range sinks {
		if !slices.Equal(s.States, []bool{false, true}) {
			t.Errorf("shim %d was told %v", i, s.States)
		}
	}
}

func TestSplitRefusesWhatIsTakenOrNoType(t *testing.T) {
	w := shimtest.New(t.Errorf)
	s, err := NewSplit(w.Wire(core.LinkEthernet, 2, 0)[0])
	if err != nil {
		t.Fatal(err)
	}
	claim := func() error {
		_, err := s.LLC()
		if err == nil {
			_, err = s.EtherType(0)
		}
		return err
	}
	if err := claim(); err != nil {
		t.Fatal(err)
	}
	if err := claim(); err == nil || !strings.Contains(err.Error(), "LLC") {
		t.Errorf("two LLC shims: %v", err)
	}
	for typ, text := range map[uint16]string{0xA000: "0xA000", 0x05FF: "0x05FF"} {
		if _, err := s.EtherType(typ); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("EtherType %s: %v", text, err)
		}
	}
	if _, err := NewSplit(w.Wire(core.LinkDirect, 2, 0)[0]); err == nil {
		t.Error("a direct link was split")
	}
}
