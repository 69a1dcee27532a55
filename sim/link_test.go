package sim

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// sink is the user of an end that notes what it is told.
type sink struct {
	env      core.Env
	link     core.Link
	at       []clock.Time
	size     []int
	states   []string
	writable []clock.Time
	onRoom   func()
}

func (s *sink) Receive(p *pkt.Buf, _ core.Addr) {
	s.at, s.size = append(s.at, s.env.Now()), append(s.size, p.Len())
	p.Release()
}

func (s *sink) Writable() {
	s.writable = append(s.writable, s.env.Now())
	if s.onRoom != nil {
		s.onRoom()
	}
}

func (s *sink) LinkState(up bool) {
	state := map[bool]string{true: "up", false: "down"}[up]
	if s.link.Info().Up != up {
		state += "!"
	}
	s.states = append(s.states, state)
}

// wired is a world with two nodes and a wire.
func wired(t *testing.T, spec core.LinkSpec) (w *World, wi core.Wire, users [2]*sink) {
	t.Helper()
	w = New(1)
	envs := [2]core.Env{w.Node("a"), w.Node("b")}
	wi, err := w.Link(spec, envs[0], envs[1])
	if err != nil {
		t.Fatal(err)
	}
	a, b := wi.Ends()
	for i, l := range []core.Link{a, b} {
		users[i] = &sink{env: envs[i], link: l}
		l.Attach(users[i])
	}
	t.Cleanup(func() {
		w.Close()
		if n := w.Pool().Live(); n != 0 {
			t.Errorf("%d packets are out", n)
		}
	})
	return w, wi, users
}

func (s *sink) send(t *testing.T, n int) bool {
	t.Helper()
	p := s.env.Pool.GetPhantom(0, 0, n)
	err := s.link.Send(p, core.Addr{})
	if errors.Is(err, core.ErrWouldBlock) {
		p.Release()
	} else if err != nil {
		t.Errorf("Send: %v", err)
	}
	return err == nil
}

// A frame arrives when its serialisation and the propagation are over, to the ns (validation.md §6), and a
// link has one event in the queue, however many frames are on it (design §3).
func TestFramesArriveToTheNanosecond(t *testing.T) {
	w, _, u := wired(t, core.LinkSpec{Rate: 1e9, Delay: 1234567, Overhead: 24})
	for range 100 {
		u[0].send(t, 1000)
	}
	if w.Pending() != 1 {
		t.Errorf("%d events for one link", w.Pending())
	}
	_ = w.Run(clock.Time(time.Second))
	for i, at := range u[1].at {
		if want := clock.Time((i+1)*1024*8 + 1234567); at != want {
			t.Fatalf("frame %d arrives at %d, want %d", i, at, want)
		}
	}
	if len(u[1].at) != 100 || w.Events() != 100 {
		t.Errorf("%d frames, %d events", len(u[1].at), w.Events())
	}
}

// A change of delay and rate during the run moves the frames that wait, and only them; the events that were
// entered for their earlier times are void (core.Wire).
func TestSetMovesTheFramesThatWait(t *testing.T) {
	w, wi, u := wired(t, core.LinkSpec{Rate: 8e9, Delay: 100}) // 1 ns a byte
	for range 4 {
		u[0].send(t, 1000)
	}
	_ = w.Run(500)
	set := func(s core.LinkSpec) {
		if err := wi.Set(0, s); err != nil {
			t.Fatal(err)
		}
	}
	set(core.LinkSpec{Rate: 8e9, Delay: 5000})
	_ = w.Run(1050) // the second is in service with the longer delay, the first in flight
	set(core.LinkSpec{Rate: 4e9, Delay: 10})
	_ = w.Run(100_000)
	if want := []clock.Time{1100, 7000, 7000, 7000}; !slices.Equal(u[1].at, want) {
		t.Errorf("arrivals %v, want %v", u[1].at, want)
	}
	if w.Pending() != 0 {
		t.Errorf("%d events are left", w.Pending())
	}
	if u[0].link.Info().Rate != 4e9 || u[1].link.Info().Rate != 8e9 {
		t.Error("the ends show other rates than those in force")
	}
}

// A blocked sender is told once, at the instant at which the frame that was refused fits (core, back-pressure).
func TestWritableComesWhenTheRefusedFrameFits(t *testing.T) {
	w, wi, u := wired(t, core.LinkSpec{Rate: 8e9, QueueBytes: 1000, Block: true})
	for _, n := range []int{1000, 400, 400} { // one in service, 800 bytes wait
		u[0].send(t, n)
	}
	for range 2 { // a second refusal does not lead to a second Writable
		if u[0].send(t, 900) {
			t.Fatal("taken beyond the queue")
		}
	}
	_ = w.Run(1399)
	if len(u[0].writable) != 0 {
		t.Fatalf("Writable at %v", u[0].writable)
	}
	u[0].onRoom = func() { u[0].send(t, 900) }
	_ = w.Run(10_000)
	if !slices.Equal(u[0].writable, []clock.Time{1400}) || len(u[1].at) != 4 {
		t.Errorf("Writable at %v, %d frames arrived", u[0].writable, len(u[1].at))
	}
	if st := wi.Stats(0); st.DropQueue != 0 || st.SentPackets != 4 {
		t.Errorf("%+v", st)
	}
}

// A change of the queue moves the Writable, earlier and later; an event for its former time is void.
func TestSetMovesTheWritable(t *testing.T) {
	spec := core.LinkSpec{Rate: 8e9, QueuePackets: 3, Block: true}
	w, wi, u := wired(t, spec)
	for u[0].send(t, 1000) {
	}
	spec.QueuePackets = 1 // room when two of the three that wait have left, at 3000
	if err := wi.Set(0, spec); err != nil {
		t.Fatal(err)
	}
	_ = w.Run(3500)
	if !slices.Equal(u[0].writable, []clock.Time{3000}) {
		t.Fatalf("Writable at %v, want 3000", u[0].writable)
	}
	for u[0].send(t, 1000) {
	}
	spec.QueuePackets = 9
	if err := wi.Set(0, spec); err != nil {
		t.Fatal(err)
	}
	_ = w.Run(10_000)
	if !slices.Equal(u[0].writable, []clock.Time{3000, 3500}) {
		t.Errorf("Writable at %v, want at once", u[0].writable)
	}
}

// On down, frames in flight arrive and the others are dropped; both ends are told, each change once, with
// the Info that belongs to it (core.Wire, core.Link).
func TestFlap(t *testing.T) {
	w, wi, u := wired(t, core.LinkSpec{Rate: 8e9, Delay: 5000})
	for range 5 {
		u[0].send(t, 1000)
	}
	_ = w.Run(2500) // two are wholly on the wire
	wi.SetUp(false)
	wi.SetUp(false)
	wi.SetUp(true)
	_ = w.Run(2600)
	u[0].send(t, 100)
	_ = w.Run(50_000)
	if want := []clock.Time{6000, 7000, 7700}; !slices.Equal(u[1].at, want) {
		t.Errorf("arrivals %v, want %v", u[1].at, want)
	}
	if st := wi.Stats(0); st.DropDown != 3 || st.DeliveredPackets != 3 {
		t.Errorf("%+v", st)
	}
	for i := range u {
		if !slices.Equal(u[i].states, []string{"down", "up"}) {
			t.Errorf("end %d was told %v", i, u[i].states)
		}
	}
}

// A frame beyond the MTU is refused and taken (core.Link); the Ethernet header does not count.
func TestMTU(t *testing.T) {
	for kind, most := range map[core.LinkKind]int{core.LinkEthernet: 1514, core.LinkDirect: 65535} {
		w, _, u := wired(t, core.LinkSpec{Kind: kind})
		u[0].send(t, most)
		if err := u[0].link.Send(w.Pool().GetPhantom(0, 0, most+1), core.Addr{}); !errors.Is(err, core.ErrMsgSize) {
			t.Errorf("kind %d: %v", kind, err)
		}
		_ = w.Run(1)
		if !slices.Equal(u[1].size, []int{most}) {
			t.Errorf("kind %d: received %v", kind, u[1].size)
		}
	}
}

// The tap sees each frame that is taken once, and no frame that stays with a blocked sender; looking changes
// nothing (design §3, Fingerprint).
func TestTapSeesWhatIsSentOnce(t *testing.T) {
	run := func(look bool) (seen []int, fingerprint uint64) {
		w, wi, u := wired(t, core.LinkSpec{Rate: 8e9, QueuePackets: 2, Block: true})
		if look {
			w.SetTap(func(in core.Wire, dir int, now clock.Time, p *pkt.Buf) {
				if in != wi || dir != 0 || now != w.Now() {
					t.Errorf("wire %v, direction %d, time %v", in, dir, now)
				}
				seen = append(seen, p.Len())
			})
		}
		n := 0
		feed := func() {
			for n < 10 && u[0].send(t, 100+n) {
				n++
			}
		}
		u[0].onRoom = feed
		feed()
		_ = w.Run(100_000)
		w.SetTap(nil)
		u[0].send(t, 50)
		_ = w.Run(200_000)
		return seen, w.Fingerprint()
	}
	seen, with := run(true)
	if want := []int{100, 101, 102, 103, 104, 105, 106, 107, 108, 109}; !slices.Equal(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
	if _, without := run(false); with != without || with == 0 {
		t.Errorf("fingerprint %x with a tap, %x without", with, without)
	}
}

// A link that cannot be is refused with the reason, and leaves nothing behind.
func TestLinkRefuses(t *testing.T) {
	w := New(1)
	a, b := w.Node("a"), w.Node("b")
	for says, spec := range map[string]core.LinkSpec{
		"link x: loss": {Name: "x", Loss: 7},
		"both must be": {Name: "x"},
	} {
		to := b
		if strings.HasPrefix(says, "both") {
			to = core.Env{Path: "b"}
		}
		if _, err := w.Link(spec, a, to); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	if len(w.k.links) != 0 || len(w.wires) != 0 {
		t.Errorf("%d ends, %d wires", len(w.k.links), len(w.wires))
	}
}

// BenchmarkHop is a frame over one link between two nodes that send it to and fro, ten at a time.
func BenchmarkHop(b *testing.B) {
	w := New(1)
	x, y := w.Node("x"), w.Node("y")
	wi, err := w.Link(core.LinkSpec{Kind: core.LinkDirect, Rate: 1e9, Delay: 10_000}, x, y)
	if err != nil {
		b.Fatal(err)
	}
	l0, l1 := wi.Ends()
	n := 0
	l0.Attach(bouncer{l0, w, &n, b})
	l1.Attach(bouncer{l1, w, &n, b})
	for range 10 {
		_ = l0.Send(w.Pool().GetPhantom(0, 0, 1000), core.Addr{})
	}
	b.ReportAllocs()
	b.ResetTimer()
	_ = w.Run(clock.Never)
}

// bouncer sends every frame back, b.N in all.
type bouncer struct {
	link core.Link
	w    *World
	n    *int
	b    *testing.B
}

func (u bouncer) Receive(p *pkt.Buf, _ core.Addr) {
	if *u.n++; *u.n >= u.b.N {
		p.Release()
		u.w.Stop()
		return
	}
	_ = u.link.Send(p, core.Addr{})
}

func (bouncer) Writable()      {}
func (bouncer) LinkState(bool) {}
