package line_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/line"
	"ouroboros/core/pkt"
	"ouroboros/sim"
)

// nic is a link that keeps what is sent on it, and takes only so much while it has room for.
type nic struct {
	user     core.LinkUser
	room     int // packets that it takes before it blocks; < 0 = no limit
	sent     []*pkt.Buf
	to       []core.Addr
	refusals int
	down     bool
	less     int // bytes that are missing from the MTU
}

func (n *nic) Info() core.LinkInfo {
	return core.LinkInfo{Kind: core.LinkDatagram, MTU: 1400 - n.less, Headroom: 3, Up: !n.down}
}
func (n *nic) Queued() int            { return 7 }
func (n *nic) Attach(u core.LinkUser) { n.user = u }

func (n *nic) Send(p *pkt.Buf, to core.Addr) error {
	switch {
	case n.down:
		p.Release()
		return core.ErrFlowDown
	case n.room == 0:
		n.refusals++
		return core.ErrWouldBlock
	}
	n.room--
	n.sent, n.to = append(n.sent, p), append(n.to, to)
	return nil
}

func (n *nic) release() {
	for _, p := range n.sent {
		p.Release()
	}
	n.sent, n.to = nil, nil
}

// sink is a user that keeps what it receives.
type sink struct {
	got      []*pkt.Buf
	from     []core.Addr
	at       []core.Time
	now      func() core.Time
	writable int
	states   []bool
	onRoom   func()
}

func (s *sink) Receive(p *pkt.Buf, from core.Addr) {
	s.got, s.from, s.at = append(s.got, p), append(s.from, from), append(s.at, s.now())
}

func (s *sink) Writable() {
	if s.writable++; s.onRoom != nil {
		s.onRoom()
	}
}
func (s *sink) LinkState(up bool) { s.states = append(s.states, up) }

func (s *sink) release() {
	for _, p := range s.got {
		p.Release()
	}
	s.got = nil
}

// bench is a shaper over a nic.
type bench struct {
	t   testing.TB
	w   *sim.World
	env core.Env
	*nic
	*sink
	*line.Shaper
}

func newBench(t testing.TB, out, in core.LinkSpec) *bench {
	t.Helper()
	w := sim.New(1)
	b := &bench{t: t, w: w, env: w.Node("a"), nic: &nic{room: -1}, sink: &sink{}}
	b.now = w.Now
	s, err := line.NewShaper(b.env, b.nic, out, in)
	if err != nil {
		t.Fatal(err)
	}
	b.Shaper = s
	s.Attach(b.sink)
	t.Cleanup(func() {
		s.Close()
		b.nic.release()
		b.sink.release()
		if n := w.Pool().Live(); n != 0 {
			t.Errorf("%d packets are out", n)
		}
		w.Close()
	})
	return b
}

// packet returns one of n bytes that begins with a number.
func (b *bench) packet(i, n int) *pkt.Buf {
	p := b.w.Pool().Get(8, n)
	binary.BigEndian.PutUint32(p.Bytes(), uint32(i))
	return p
}

func number(p *pkt.Buf) int { return int(binary.BigEndian.Uint32(p.Bytes())) }

func (b *bench) send(i, n int) error {
	p := b.packet(i, n)
	err := b.Shaper.Send(p, peer(i))
	if errors.Is(err, core.ErrWouldBlock) {
		p.Release()
	}
	return err
}

func (b *bench) run(d time.Duration) {
	b.t.Helper()
	if err := b.w.Run(b.w.Now().Add(d)); err != nil {
		b.t.Fatal(err)
	}
}

// peer is the address of number i.
func peer(i int) core.Addr {
	var ip [4]byte
	binary.BigEndian.PutUint32(ip[:], 10<<24|uint32(i))
	return core.IPAddr(netip.AddrPortFrom(netip.AddrFrom4(ip), 3435))
}

// The zero spec passes straight through: on the stack of the caller, without an allocation, with the result
// of the link below.
func TestTheZeroSpecPassesStraightThrough(t *testing.T) {
	b := newBench(t, core.LinkSpec{}, core.LinkSpec{})
	if err := b.send(5, 100); err != nil || len(b.sent) != 1 || b.to[0] != peer(5) {
		t.Errorf("Send: %v, %d packets below, to %v", err, len(b.sent), b.to)
	}
	b.user.Receive(b.packet(6, 100), peer(6))
	if len(b.got) != 1 || b.from[0] != peer(6) {
		t.Errorf("%d packets received, from %v", len(b.got), b.from)
	}
	if info := b.Shaper.Info(); info != b.nic.Info() || b.Shaper.Queued() != 7 {
		t.Errorf("the link below is %+v, the shaper %+v with %d packets queued", b.nic.Info(), info, b.Shaper.Queued())
	}
	b.nic.down = true
	if err := b.send(7, 100); !errors.Is(err, core.ErrFlowDown) {
		t.Errorf("Send on a link that is down: %v", err)
	}
	st := b.Stats(line.Out)
	if st.SentPackets != 2 || st.DeliveredPackets != 1 || st.DeliveredBytes != 100 || st.DropDown != 1 {
		t.Errorf("out: %+v", st)
	}
	if st := b.Stats(line.In); st.SentPackets != 1 || st.DeliveredBytes != 100 {
		t.Errorf("in: %+v", st)
	}
}

func TestASteadyShaperAllocatesNothing(t *testing.T) {
	for name, spec := range map[string]core.LinkSpec{
		"nothing": {},
		"shaped":  {Rate: 1e9, Delay: 100 * time.Microsecond, Loss: 0.1, Jitter: time.Microsecond},
	} {
		b := newBench(t, spec, spec)
		i := 0
		step := func() {
			for range 20 {
				i++
				_ = b.send(i%5, 100)
				b.user.Receive(b.packet(i, 100), peer(i%5))
			}
			b.run(time.Millisecond)
			for _, p := range append(b.sent, b.got...) {
				p.Release()
			}
			b.sent, b.to, b.got, b.from, b.at = b.sent[:0], b.to[:0], b.got[:0], b.from[:0], b.at[:0]
		}
		for range 50 {
			step()
		}
		if a := testing.AllocsPerRun(100, step); a > 1 { // the joined list above
			t.Errorf("%s: %v allocations", name, a)
		}
	}
}

// A shaper over a plain wire delivers at the instants at which a wire of that spec does, and counts the same,
// whatever is changed meanwhile: sending, specs, up and down.
func TestAShaperIsAWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var records [2][]string
		spec := drawWire(t)
		seed := rapid.Uint64().Draw(t, "script")
		for i, shaped := range []bool{false, true} {
			records[i] = life(t, shaped, spec, seed)
		}
		if !reflect.DeepEqual(records[0], records[1]) {
			t.Fatalf("spec %+v\nwire:   %v\nshaper: %v", spec, records[0], records[1])
		}
	})
}

// drawWire draws a spec without random losses, which the two draw from different streams.
func drawWire(t *rapid.T) core.LinkSpec {
	return core.LinkSpec{
		Name: "x", Kind: core.LinkDatagram,
		Rate:         rapid.SampledFrom([]int64{0, 1e6, 3_333_333, 1e9}).Draw(t, "rate"),
		Delay:        rapid.SampledFrom([]time.Duration{0, 1, time.Millisecond}).Draw(t, "delay"),
		QueuePackets: rapid.SampledFrom([]int{0, 1, 3}).Draw(t, "queue"),
		Drop:         rapid.SampledFrom([][]uint64{nil, {2, 3, 9}}).Draw(t, "drop"),
		Duplicate:    rapid.SampledFrom([]float64{0, 1}).Draw(t, "duplicate"),
		Reorder:      rapid.SampledFrom([]float64{0, 1}).Draw(t, "reorder"),
		ReorderBy:    500 * time.Microsecond,
		Block:        rapid.Bool().Draw(t, "block"),
	}
}

// life drives one direction of a link and records what can be seen of it.
func life(t *rapid.T, shaped bool, spec core.LinkSpec, seed uint64) (record []string) {
	w := sim.New(1)
	defer w.Close()
	a, b := w.Node("a"), w.Node("b")
	plain := spec
	if shaped {
		plain = core.LinkSpec{Name: spec.Name, Kind: spec.Kind}
	}
	wire, err := w.Link(plain, a, b)
	if err != nil {
		t.Fatal(err)
	}
	x, y := wire.Ends()
	set := func(s core.LinkSpec) error { return wire.Set(0, s) }
	stats := func() core.LinkStats { return wire.Stats(0) }
	if shaped {
		s, err := line.NewShaper(a, x, spec, core.LinkSpec{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		x, set, stats = s, func(c core.LinkSpec) error { return s.Set(line.Out, c) }, func() core.LinkStats { return s.Stats(line.Out) }
	}
	note := func(format string, args ...any) {
		record = append(record, fmt.Sprintf("%v ", w.Now())+fmt.Sprintf(format, args...))
	}
	far, near := &sink{now: w.Now}, &sink{now: w.Now}
	near.onRoom = func() { note("writable") }
	x.Attach(near)
	y.Attach(far)
	rnd := seed
	next := func(n uint64) uint64 { rnd = rnd*6364136223846793005 + 1442695040888963407; return rnd >> 33 % n }
	for i := range 40 {
		switch next(8) {
		case 0:
			s := spec
			s.Rate, s.Delay = []int64{0, 2e6, 5e8}[next(3)], time.Duration(next(3))*700*time.Microsecond
			if err := set(s); err != nil {
				t.Fatal(err)
			}
		case 1, 2:
			_ = w.Run(w.Now().Add(time.Duration(next(3000)) * time.Microsecond))
		default:
			p := w.Pool().Get(8, 50+int(next(1000)))
			binary.BigEndian.PutUint32(p.Bytes(), uint32(i))
			err := x.Send(p, core.Addr{})
			if errors.Is(err, core.ErrWouldBlock) {
				p.Release()
			}
			note("send %d: %v, %d queued", i, err, x.Queued())
		}
	}
	_ = w.Run(w.Now().Add(10 * time.Second))
	for i, p := range far.got {
		record = append(record, fmt.Sprintf("%v: %d", far.at[i], number(p)))
	}
	far.release()
	return append(record, fmt.Sprintf("%+v", stats()))
}

// An address stays with its packet, in what order they arrive, lost or twice; here both ways.
func TestAddressesStayWithTheirPackets(t *testing.T) {
	spec := core.LinkSpec{
		Rate: 1e9, Delay: time.Millisecond, Jitter: time.Millisecond, Loss: 0.2, Duplicate: 0.2,
		Reorder: 0.3, ReorderBy: 3 * time.Millisecond, QueuePackets: 50,
	}
	b := newBench(t, spec, spec)
	for i := range 5000 {
		if err := b.send(i%700, 100); (err != nil) != (i > 2000 && i <= 2100) {
			t.Fatalf("packet %d: %v", i, err)
		}
		b.user.Receive(b.packet(i%700, 100), peer(i%700))
		b.run(time.Microsecond)
		switch i {
		case 2000:
			b.SetUp(false)
		case 2100:
			b.SetUp(true)
		case 3000:
			if err := b.Set(line.In, core.LinkSpec{Rate: 2e9}); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.run(time.Second)
	if len(b.sent) < 500 || len(b.got) < 500 {
		t.Fatalf("%d packets below, %d received", len(b.sent), len(b.got))
	}
	for i, p := range b.sent {
		if b.to[i] != peer(number(p)) {
			t.Fatalf("packet to %v went to %v", peer(number(p)), b.to[i])
		}
	}
	for i, p := range b.got {
		if b.from[i] != peer(number(p)) {
			t.Fatalf("packet from %v came from %v", peer(number(p)), b.from[i])
		}
	}
}

// While the link below is full, what has passed the line waits for it: with a queue that blocks all of it,
// else as much as the queue holds.
func TestABusyLinkBelow(t *testing.T) {
	for _, block := range []bool{true, false} {
		b := newBench(t, core.LinkSpec{Delay: time.Millisecond, QueuePackets: 5, Block: block}, core.LinkSpec{})
		b.room = 2
		taken := 0
		for i := range 20 {
			if err := b.send(i, 100); err != nil {
				break
			}
			taken++
			b.run(200 * time.Microsecond)
		}
		b.run(10 * time.Millisecond)
		st := b.Stats(line.Out)
		if block != (taken < 20) || st.DeliveredPackets != 2 {
			t.Errorf("block %v: %d packets taken, %+v", block, taken, st)
		}
		if b.writable != 0 {
			t.Errorf("block %v: Writable while the link below is full", block)
		}
		b.room = -1
		b.user.Writable()
		b.run(10 * time.Millisecond)
		st = b.Stats(line.Out)
		if lost := uint64(taken) - st.DeliveredPackets; lost != st.DropQueue || (lost > 0) == block {
			t.Errorf("block %v: %d taken, %+v", block, taken, st)
		}
		if block && b.writable != 1 {
			t.Errorf("Writable %d times after one refusal", b.writable)
		}
		for i, p := range b.sent {
			if i > 0 && number(p) <= number(b.sent[i-1]) {
				t.Errorf("block %v: packet %d after %d", block, number(p), number(b.sent[i-1]))
			}
		}
	}
}

// A full link below blocks the user when nothing stands between, and wakes it once, also when a spec is set
// meanwhile.
func TestAFullLinkBelowBlocksTheUser(t *testing.T) {
	b := newBench(t, core.LinkSpec{}, core.LinkSpec{})
	b.room = 0
	if err := b.send(1, 100); !errors.Is(err, core.ErrWouldBlock) {
		t.Fatal(err)
	}
	if err := b.Set(line.Out, core.LinkSpec{QueuePackets: 9}); err != nil {
		t.Fatal(err)
	}
	b.run(time.Second)
	if b.writable != 0 {
		t.Error("Writable while the link below is full")
	}
	b.room = -1
	b.user.Writable()
	if b.writable != 1 {
		t.Errorf("Writable %d times", b.writable)
	}
	if st := b.Stats(line.Out); st.SentPackets != 0 {
		t.Errorf("a packet that was refused is counted: %+v", st)
	}
}

// The user hears of a wire that is down after Detect; until then packets are lost as on a cut cable.
func TestDetectHidesACut(t *testing.T) {
	b := newBench(t, core.LinkSpec{Detect: 10 * time.Millisecond}, core.LinkSpec{})
	b.SetUp(false)
	if err := b.send(1, 100); err != nil || !b.Shaper.Info().Up {
		t.Errorf("before Detect: Send %v, up %v", err, b.Shaper.Info().Up)
	}
	b.run(11 * time.Millisecond)
	if err := b.send(1, 100); !errors.Is(err, core.ErrFlowDown) || !reflect.DeepEqual(b.states, []bool{false}) {
		t.Errorf("after Detect: Send %v, told %v", err, b.states)
	}
	b.SetUp(true)
	b.SetUp(false)
	b.run(time.Second)
	if len(b.states) != 1 || b.Stats(line.Out).DropDown != 2 {
		t.Errorf("told %v, %+v; a short flap is not noticed", b.states, b.Stats(line.Out))
	}
}

// The state of the link below is that of the shaper, when it is up itself.
func TestTheShaperFollowsTheLinkBelow(t *testing.T) {
	b := newBench(t, core.LinkSpec{}, core.LinkSpec{})
	tell := func(up bool) { b.nic.down = !up; b.user.LinkState(up) }
	tell(false)
	b.SetUp(false)
	tell(true)
	b.run(time.Millisecond)
	if !reflect.DeepEqual(b.states, []bool{false}) {
		t.Errorf("told %v while the shaper is down", b.states)
	}
	b.SetUp(true)
	b.run(time.Millisecond)
	if !reflect.DeepEqual(b.states, []bool{false, true}) {
		t.Errorf("told %v", b.states)
	}
}

// A link below that gets another MTU, or another address, says so by its state, which need not have changed.
func TestTheUserHearsOfAnotherMTU(t *testing.T) {
	b := newBench(t, core.LinkSpec{}, core.LinkSpec{})
	b.user.LinkState(true)
	if b.states != nil {
		t.Errorf("told %v, and nothing has changed", b.states)
	}
	b.less = 100
	b.user.LinkState(true)
	if !reflect.DeepEqual(b.states, []bool{true}) || b.Shaper.Info().MTU != 1300 {
		t.Errorf("told %v, MTU %d", b.states, b.Shaper.Info().MTU)
	}
	b.less = 0
	b.nic.down = true
	b.user.LinkState(false)
	if !reflect.DeepEqual(b.states, []bool{true, false}) {
		t.Errorf("told %v", b.states)
	}
}

func TestSpecsThatNoShaperTakes(t *testing.T) {
	b := newBench(t, core.LinkSpec{Name: "eth0"}, core.LinkSpec{})
	for says, set := range map[string]func() error{
		"block":                 func() error { return b.Set(line.In, core.LinkSpec{Block: true}) },
		"direction 2":           func() error { return b.Set(2, core.LinkSpec{}) },
		"probability from 0 to": func() error { return b.Set(line.Out, core.LinkSpec{Name: "eth0", Loss: 2}) },
		"delay": func() error {
			_, err := line.NewShaper(b.env, &nic{}, core.LinkSpec{}, core.LinkSpec{Delay: -1})
			return err
		},
	} {
		if err := set(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// A closed shaper gives back what it holds, counts it as dropped, and is inert.
func TestCloseDropsWhatIsUnderWay(t *testing.T) {
	slow := core.LinkSpec{Rate: 1e6, Delay: time.Second, Duplicate: 1}
	b := newBench(t, slow, slow)
	for i := range 10 {
		_ = b.send(i, 100)
		b.user.Receive(b.packet(i, 100), peer(i))
	}
	b.Close()
	if n := b.w.Pool().Live(); n != 0 {
		t.Errorf("%d packets are out", n)
	}
	b.user.Receive(b.packet(1, 100), peer(1))
	if err := b.send(1, 100); !errors.Is(err, core.ErrFlowDown) || b.Shaper.Info().Up {
		t.Errorf("Send after Close: %v, up %v", err, b.Shaper.Info().Up)
	}
	b.run(time.Minute)
	if len(b.sent)+len(b.got)+len(b.states) != 0 || b.Stats(line.Out).DropDown != 20 || b.Stats(line.In).DropDown != 21 {
		t.Errorf("%d sent, %d received, told %v, out %+v, in %+v", len(b.sent), len(b.got), b.states, b.Stats(line.Out), b.Stats(line.In))
	}
}

// BenchmarkShaper is a packet out through a shaper.
func BenchmarkShaper(b *testing.B) {
	for name, spec := range map[string]core.LinkSpec{"nothing": {}, "shaped": {Rate: 1e9, Delay: 10 * time.Microsecond}} {
		b.Run(name, func(b *testing.B) {
			x := newBench(b, spec, core.LinkSpec{})
			to := peer(1)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_ = x.Shaper.Send(x.w.Pool().GetPhantom(0, 0, 100), to)
				if i%16 == 0 {
					x.run(13 * time.Microsecond)
					for _, p := range x.sent {
						p.Release()
					}
					x.sent, x.to = x.sent[:0], x.to[:0]
				}
			}
		})
	}
}
