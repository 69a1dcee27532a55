package frcp

import (
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// bench is an actor with a hand-driven clock, a scripted flow below and a recording user above.
type bench struct {
	t      testing.TB
	now    clock.Time
	posts  []func()
	timers []*benchTimer
	pool   *pkt.Pool

	info    core.FlowInfo
	written []string // packets in hex that the endpoint wrote below
	times   []clock.Time
	full    bool
	down    bool
	queued  int
	closed  []time.Duration
	rests   []time.Duration

	e   *Endpoint
	got []string
	ups []string // the other calls of the user's Sink
}

type benchTimer struct {
	b  *bench
	at clock.Time
	fn func()
}

func (t *benchTimer) Reset(d time.Duration) { t.at = t.b.now.Add(max(d, 0)) }
func (t *benchTimer) Stop() bool {
	armed := t.at != clock.Never
	t.at = clock.Never
	return armed
}

func (b *bench) Now() clock.Time { return b.now }
func (b *bench) Post(fn func())  { b.posts = append(b.posts, fn) }
func (b *bench) NewTimer(fn func()) clock.Timer {
	t := &benchTimer{b: b, at: clock.Never, fn: fn}
	b.timers = append(b.timers, t)
	return t
}

func (b *bench) Info() core.FlowInfo { return b.info }
func (b *bench) Queued() int         { return b.queued }
func (b *bench) SetReceive(bool) {
	b.t.Error("the flow below was told to stop: its keepalives would be lost")
}
func (b *bench) Attach(core.Sink)      {}
func (b *bench) Close(w time.Duration) { b.closed = append(b.closed, w) }
func (b *bench) Rest(w time.Duration)  { b.rests = append(b.rests, w) }
func (b *bench) Write(p *pkt.Buf) error {
	switch {
	case b.full:
		return core.ErrWouldBlock
	case b.down:
		p.Release()
		return core.ErrFlowDown
	}
	b.written = append(b.written, hex.EncodeToString(p.Bytes()))
	b.times = append(b.times, b.now)
	p.Release()
	return nil
}

// benchUser is the Sink above.
type benchUser struct{ b *bench }

func (u benchUser) Deliver(p *pkt.Buf) {
	u.b.got = append(u.b.got, string(p.Bytes()))
	p.Release()
}
func (u benchUser) Writable() { u.b.ups = append(u.b.ups, "writable") }
func (u benchUser) State(up bool) {
	u.b.ups = append(u.b.ups, map[bool]string{true: "up", false: "down"}[up])
}
func (u benchUser) Closed(err error) { u.b.ups = append(u.b.ups, "closed: "+err.Error()) }

func newBench(t testing.TB, q core.QoS, params Params) *bench {
	b := &bench{t: t, pool: pkt.NewPool(), info: core.FlowInfo{MTU: 1500, Headroom: 20, Tailroom: 2, QoS: q, MPL: testMPL}}
	env := core.NewEnv(core.Env{Exec: b, Pool: b.pool, Rand: rand.New(constSource(0x12345678))}, nil)
	e, err := WrapWith(env, b, params)
	if err != nil {
		t.Fatal(err)
	}
	b.e = e
	e.Attach(benchUser{b})
	b.run(0)
	return b
}

// run lets time pass.
func (b *bench) run(d time.Duration) {
	until := b.now.Add(d)
	for {
		for len(b.posts) > 0 {
			fn := b.posts[0]
			b.posts = b.posts[1:]
			fn()
		}
		next := slices.MinFunc(b.timers, func(x, y *benchTimer) int { return int(min(1, max(-1, x.at-y.at))) })
		if next.at > until {
			b.now = until
			return
		}
		b.now, next.at = max(b.now, next.at), clock.Never
		next.fn()
	}
}

func (b *bench) write(text string) error {
	p := b.pool.GetCopy(b.e.Info().Headroom, []byte(text))
	err := b.e.Write(p)
	if errors.Is(err, core.ErrWouldBlock) {
		p.Release()
	}
	return err
}

func (b *bench) arrive(packet string) {
	raw, err := hex.DecodeString(strings.ReplaceAll(packet, " ", ""))
	if err != nil {
		b.t.Fatal(err)
	}
	b.e.Deliver(b.pool.GetCopy(0, raw))
}

// take returns what was written since the last take.
func (b *bench) take() []string {
	w := b.written
	b.written = nil
	return w
}

// gone holds what must be true after the end: no buffer, no timer, the flow below closed once.
func (b *bench) gone(wait time.Duration, ups ...string) {
	b.t.Helper()
	if n := b.pool.Live(); n != 0 {
		b.t.Errorf("%d buffers are still out", n)
	}
	for _, tm := range b.timers {
		if tm.at != clock.Never {
			b.t.Errorf("a timer is armed for %v", tm.at)
		}
	}
	if !slices.Equal(b.closed, []time.Duration{wait}) {
		b.t.Errorf("closed below with %v, want %v", b.closed, wait)
	}
	if !slices.Equal(b.ups, ups) {
		b.t.Errorf("user was told %q, want %q", b.ups, ups)
	}
}

func withQoS(q core.QoS, change func(*core.QoS)) core.QoS {
	change(&q)
	return q
}

// Spec 10 §10.18: the trailer to the byte; §10.14, D6: it is on acks too.
func TestCRCIsOnEveryPacketThatIsNotEmpty(t *testing.T) {
	noBER := func(q *core.QoS) { q.BER = 0 }
	raw := newBench(t, core.QoSRawNoErrors, Params{})
	if err := raw.write("hello"); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, withQoS(core.QoSData, noBER), Params{PlainAcks: true, Window: 256})
	if err := b.write("hello"); err != nil {
		t.Fatal(err)
	}
	if got := append(raw.take(), b.take()...); !slices.Equal(got, []string{
		"68656c6c6f3610a686", "03000000123456780000000068656c6c6fdca63743",
	}) {
		t.Fatalf("wrote %q", got)
	}
	for range 2 {
		b.arrive("030000001234567800000000 68656c6c6f dca63743") // as data of the peer, then its duplicate
	}
	b.arrive("030000001234567900000000 68656c6c6f dca63743")
	b.arrive("0102")
	ack := b.take()
	if st := b.e.Stats(); !slices.Equal(b.got, []string{"hello"}) || st.BadCRC != 2 || len(ack) != 1 || len(ack[0]) != 2*16 {
		t.Fatalf("delivered %q, bad %d, acks %q", b.got, st.BadCRC, ack)
	}
	if p := b.pool.GetCopy(0, mustHex(t, ack[0])); !checkCRC(p) {
		t.Error("the ack has a wrong trailer")
	} else {
		p.Release()
	}
}

func mustHex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestInfoTakesPCIAndTrailerOffTheMTU(t *testing.T) {
	for _, c := range []struct {
		q              core.QoS
		mtu, head, end int
	}{
		{core.QoSRaw, 1500, 20, 2},
		{core.QoSRawNoErrors, 1496, 20, 6},
		{core.QoSVoice, 1488, 32, 2},
		{withQoS(core.QoSData, func(q *core.QoS) { q.BER = 0 }), 1484, 32, 6},
	} {
		b := newBench(t, c.q, Params{})
		if i := b.e.Info(); i.MTU != c.mtu || i.Headroom != c.head || i.Tailroom != c.end {
			t.Errorf("%+v: %+v", c, i)
		}
		err := b.write(strings.Repeat("x", c.mtu+1))
		if want := (core.SizeError{Len: c.mtu + 1, MTU: c.mtu}); !errors.Is(err, want) || b.pool.Live() != 0 {
			t.Errorf("%+v: too long a message: %v, %d buffers out", c.q, err, b.pool.Live())
		}
	}
}

// Spec 10 §10.13, raw flows too: empty packets every T/4 of silence, the end after T without any packet.
func TestKeepaliveAndPeerTimeout(t *testing.T) {
	for _, q := range []core.QoS{core.QoSRaw, core.QoSVoice, core.QoSData} {
		b := newBench(t, q, Params{})
		b.run(60 * time.Second)
		if w := b.take(); !slices.Equal(w, []string{"", ""}) || b.times[0] != clock.Time(30*time.Second) {
			t.Fatalf("%v: wrote %q at %v", q.Mode(), w, b.times)
		}
		b.arrive("") // it counts as a sign of life and is not delivered
		b.run(119 * time.Second)
		if len(b.ups) != 0 || len(b.got) != 0 {
			t.Fatalf("%v: user was told %q and got %q", q.Mode(), b.ups, b.got)
		}
		b.run(2 * time.Second)
		b.gone(0, "down", "closed: peer timed out")
		if err := b.write("x"); !errors.Is(err, core.ErrFlowDown) {
			t.Errorf("%v: Write after the end: %v", q.Mode(), err)
		}
	}
}

func TestNoTimeoutMeansNoKeepalive(t *testing.T) {
	b := newBench(t, withQoS(core.QoSRaw, func(q *core.QoS) { q.Timeout = 0 }), Params{})
	b.run(time.Hour)
	if len(b.written) != 0 || len(b.ups) != 0 {
		t.Fatalf("wrote %q, told %q", b.written, b.ups)
	}
}

// Spec 10 §10.16: Close waits for the ack of what was sent, resends it, and then has the layer keep the
// flow until both directions are inactive.
func TestCloseLingersForUnacknowledgedData(t *testing.T) {
	b := newBench(t, core.QoSData, Params{})
	if err := b.write("x"); err != nil {
		t.Fatal(err)
	}
	b.e.Close(time.Second)
	b.run(1500 * time.Millisecond)
	if len(b.closed) != 0 || len(b.written) != 2 {
		t.Fatalf("closed %v, wrote %q", b.closed, b.written)
	}
	b.arrive("03 000000 00000005 00000000 79") // acknowledged, so that the peer can end, and not delivered
	b.run(300 * time.Millisecond)
	if w := b.take(); !strings.HasPrefix(w[len(w)-1], "0c") {
		t.Errorf("wrote %q, want an ack last", w)
	}
	b.arrive("0c 345779 00000000 12345679")
	if len(b.got) != 0 {
		t.Errorf("delivered %q after Close", b.got)
	}
	b.gone((131 + senderMargin) * time.Second)
}

// Spec 10 §10.16: the final ack carries nothing else and leaves at once.
func TestCloseSendsTheFinalAck(t *testing.T) {
	b := newBench(t, core.QoSData, Params{PlainAcks: true})
	b.arrive("03 000000 9abcdef0 00000000 79")
	b.e.Close(0)
	if w := b.take(); !slices.Equal(w, []string{"0400000000000000" + "9abcdef1"}) {
		t.Fatalf("wrote %q", w)
	}
	b.gone(131 * time.Second)
}

// Spec 10 §10.6: what is not acknowledged within R ends the flow, also while lingering.
func TestUnacknowledgedForREndsTheFlow(t *testing.T) {
	for _, closing := range []bool{false, true} {
		b := newBench(t, core.QoSData, Params{R: 20 * time.Second})
		if err := b.write("x"); err != nil {
			t.Fatal(err)
		}
		want := []string{"down", "closed: flow is down"}
		if closing {
			b.e.Close(0)
			want = nil
		}
		b.run(21 * time.Second)
		if n := len(b.closed); n != 1 {
			t.Fatalf("closed below %d times", n)
		}
		b.gone(b.closed[0], want...)
	}
}

// The re-entrancy rule and back-pressure: a refused packet is held, the next is refused, and the user
// hears once, from the call from below, that there is room.
func TestAFullFlowBelowHoldsTheUserBack(t *testing.T) {
	for _, q := range []core.QoS{core.QoSRaw, core.QoSVoice, core.QoSData} {
		b := newBench(t, q, Params{})
		b.full = true
		if err := b.write("a"); err != nil {
			t.Fatalf("%v: %v", q.Mode(), err)
		}
		if err := b.write("b"); !errors.Is(err, core.ErrWouldBlock) || b.e.Queued() != 1 {
			t.Fatalf("%v: %v, %d queued", q.Mode(), err, b.e.Queued())
		}
		b.run(10 * time.Second) // the packet never left this system: no time-out resends it
		b.full = false
		b.e.Writable()
		if !slices.Equal(b.ups, []string{"writable"}) || len(b.written) != 1 || b.e.Stats().Retransmitted != 0 {
			t.Fatalf("%v: told %q, wrote %q", q.Mode(), b.ups, b.written)
		}
		if err := b.write("b"); err != nil {
			t.Fatal(err)
		}
		b.e.Closed(core.ErrFlowDown)
		if b.pool.Live() != 0 || len(b.closed) != 0 {
			t.Errorf("%v: %d buffers out, closed below %v", q.Mode(), b.pool.Live(), b.closed)
		}
	}
}

// TestRefusedPacketsAreGivenBack: a user that orders its packets is refused by the flow below itself, keeps the
// packet as it was, and hears once that there is room; the timer does not tell it before. Packets that have
// a number are held all the same.
func TestRefusedPacketsAreGivenBack(t *testing.T) {
	for _, q := range []core.QoS{core.QoSRaw, core.QoSRawNoErrors, core.QoSData} {
		b := newBench(t, q, Params{})
		b.e.GiveBack()
		b.full = true
		err := b.write("a")
		if held := b.e.Queued(); q == core.QoSRaw != errors.Is(err, core.ErrWouldBlock) || q == core.QoSRaw != (held == 0) {
			t.Fatalf("%v: %v, %d queued", q, err, held)
		}
		if q != core.QoSRaw {
			b.e.Closed(core.ErrFlowDown)
			continue
		}
		if st := b.e.Stats(); st.Sent != 0 {
			t.Errorf("%d packets sent while the flow below is full", st.Sent)
		}
		b.run(10 * time.Second)
		if b.ups != nil {
			t.Errorf("told %q while the flow below is full", b.ups)
		}
		b.full = false
		b.e.Writable()
		b.e.Writable()
		if err := b.write("b"); err != nil || !slices.Equal(b.ups, []string{"writable"}) || b.e.Stats().Sent != 1 {
			t.Errorf("%v, told %q, %+v", err, b.ups, b.e.Stats())
		}
		b.e.Closed(core.ErrFlowDown)
		if b.pool.Live() != 0 {
			t.Errorf("%d buffers out", b.pool.Live())
		}
	}
}

func TestAClosedWindowHoldsTheUserBack(t *testing.T) {
	b := newBench(t, core.QoSData, Params{})
	for range StartWindow {
		if err := b.write("x"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.write("x"); !errors.Is(err, core.ErrWouldBlock) {
		t.Fatal(err)
	}
	b.arrive("0c 345780 00000000 123456b8")
	if !slices.Equal(b.ups, []string{"writable"}) {
		t.Fatalf("told %q", b.ups)
	}
}

// A reader that stops is told nothing more, and what waits is delivered when it goes on, from a posted call.
func TestReceiveOffKeepsMessages(t *testing.T) {
	b := newBench(t, core.QoSData, Params{})
	b.e.SetReceive(false)
	b.arrive("03 000000 00000005 00000000 61")
	b.arrive("01 000000 00000006 00000000 62")
	b.run(0)
	if len(b.got) != 0 {
		t.Fatalf("delivered %q while off", b.got)
	}
	b.e.SetReceive(true)
	if len(b.got) != 0 {
		t.Fatal("delivered on the stack of SetReceive")
	}
	b.run(0)
	if !slices.Equal(b.got, []string{"a", "b"}) {
		t.Fatalf("delivered %q", b.got)
	}
}

// Spec 10 §10.13: the end is told once what came before it has been read.
func TestMessagesComeBeforeTheEnd(t *testing.T) {
	for _, reads := range []bool{true, false} {
		b := newBench(t, core.QoSData, Params{})
		b.e.SetReceive(false)
		b.arrive("03 000000 00000005 00000000 61")
		b.run(121 * time.Second)
		if len(b.got) != 0 || len(b.ups) != 0 || len(b.closed) != 1 {
			t.Fatalf("got %q, told %q, closed below %v", b.got, b.ups, b.closed)
		}
		if !reads {
			b.e.Close(0)
			b.gone(b.closed[0])
			continue
		}
		b.e.SetReceive(true)
		b.run(0)
		if !slices.Equal(b.got, []string{"a"}) {
			t.Errorf("got %q", b.got)
		}
		b.gone(b.closed[0], "down", "closed: peer timed out")
	}
}

// A packet on a flow that is down is an error on a raw flow; with FRCP it is lost and sent again.
func TestFlowBelowDown(t *testing.T) {
	raw := newBench(t, core.QoSRaw, Params{})
	raw.down = true
	if err := raw.write("x"); !errors.Is(err, core.ErrFlowDown) {
		t.Fatal(err)
	}
	b := newBench(t, core.QoSData, Params{})
	b.down = true
	b.e.State(false)
	if err := b.write("x"); err != nil {
		t.Fatal(err)
	}
	b.down = false
	b.e.State(true)
	b.run(time.Second)
	if len(b.written) != 1 || !slices.Equal(b.ups, []string{"down", "up"}) {
		t.Fatalf("wrote %q, told %q", b.written, b.ups)
	}
}

func TestParamsOutOfRangeAreRefused(t *testing.T) {
	for want, p := range map[string]Params{
		"window 63": {Window: 63}, "window 1048577": {Window: MaxWindow + 1}, "recovery 7": {Recovery: 7},
		"ack_every": {AckEvery: 1000}, "ack_delay": {AckDelay: 2 * time.Second}, "exclude": {OwnPeer: true, PlainAcks: true},
		"first_ack_delay": {FirstAckDelay: time.Second}, "a -1s": {A: -time.Second}, "r 2h0m0s": {R: 2 * time.Hour},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want it to name %q", p, err, want)
		}
	}
	var r Recovery
	if err := r.UnmarshalText([]byte("tahoe")); err == nil || !strings.Contains(err.Error(), "rack, prototype") {
		t.Errorf("recovery tahoe: %v", err)
	}
}

// quietUser takes messages without keeping anything.
type quietUser struct{ benchUser }

func (quietUser) Deliver(p *pkt.Buf) { p.Release() }

// pipe is a flow below that leads to another endpoint at once.
type pipe struct {
	*bench
	to  *Endpoint
	tap func(*pkt.Buf) bool // what it refuses is lost
}

func (p *pipe) Write(b *pkt.Buf) error {
	if p.tap != nil && !p.tap(b) {
		b.Release()
		return nil
	}
	p.to.Deliver(b)
	return nil
}

// join puts two endpoints at the ends of a pipe, encrypted unless cipher is 0.
func (b *bench) join(cipher uint16, users ...core.Sink) (ends [2]*Endpoint, pipes [2]*pipe) {
	return b.joinOf(cipher, rand.NewChaCha8([32]byte{}), users...)
}

// joinOf is join with the source of entropy of the first.
func (b *bench) joinOf(cipher uint16, entropy io.Reader, users ...core.Sink) (ends [2]*Endpoint, pipes [2]*pipe) {
	for i := range ends {
		pipes[i] = &pipe{bench: b}
		var below core.Flow = pipes[i]
		if cipher != 0 {
			below = &lockedPipe{pipe: pipes[i], s: core.Security{Cipher: cipher, Initiator: i == 0, Peer: "peer"}}
		}
		env := core.NewEnv(core.Env{
			Exec: b, Pool: b.pool, Rand: rand.New(constSource(i)), Entropy: entropy,
		}, nil)
		entropy = rand.NewChaCha8([32]byte{1})
		e, err := Wrap(env, below)
		if err != nil {
			b.t.Fatal(err)
		}
		ends[i] = e
		ends[i].Attach(users[i])
	}
	pipes[0].to, pipes[1].to = ends[1], ends[0]
	b.run(0)
	return ends, pipes
}

// lockedPipe is a pipe as the broker hands it out when the flow must be encrypted.
type lockedPipe struct {
	*pipe
	s core.Security
}

func (l *lockedPipe) Unlock() (core.Flow, core.Security) { return l.pipe, l.s }

// In steady state a message allocates nothing on its way through two endpoints, acks included.
func TestEndpointsDoNotAllocate(t *testing.T) {
	for _, c := range []struct {
		q      core.QoS
		cipher uint16
	}{
		{core.QoSRaw, 0},
		{core.QoSVoice, 0},
		{core.QoSData, 0},
		{core.QoSRaw, 901},
		{core.QoSVoice, 1018},
		{core.QoSData, 895},
	} {
		q := c.q
		b := newBench(t, q, Params{})
		ends, _ := b.join(c.cipher, quietUser{}, quietUser{})
		round := func() {
			b.now += 1000
			if err := ends[0].Write(b.pool.GetPhantom(60, 0, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		for range 2000 {
			round()
		}
		if n := testing.AllocsPerRun(1000, round); n != 0 {
			t.Errorf("%v, cipher %d: %v allocations per message", q.Mode(), c.cipher, n)
		}
	}
}

// Spec 10 §10.16: without LINGER, Close gives up what is not acknowledged, and the layer keeps the flow all the same.
func TestCloseWithoutLingerGivesUp_10_16(t *testing.T) {
	b := newBench(t, core.QoSData, Params{})
	if f := b.e.Flags(); f != allFlags {
		t.Fatalf("a reliable flow has the flags %#o", f)
	}
	if err := b.e.SetFlags(FlagRetransmit | FlagResourceControl); err != nil {
		t.Fatal(err)
	}
	if err := b.write("x"); err != nil {
		t.Fatal(err)
	}
	b.take()
	b.e.Close(0)
	if w := b.take(); len(w) != 0 {
		t.Errorf("wrote %q after Close", w)
	}
	b.gone((131 + senderMargin) * time.Second)
}

// FlagResourceControl: an ordered flow waits for the window of its peer, unless it is off; a user that waits is told.
func TestAFlowWithoutResourceControlDoesNotWait_10_16(t *testing.T) {
	b := newBench(t, core.QoSBestEffort, Params{})
	if f := b.e.Flags(); f != FlagResourceControl {
		t.Fatalf("an ordered flow has the flags %#o", f)
	}
	var err error
	for err == nil {
		err = b.write("x")
	}
	if !errors.Is(err, core.ErrWouldBlock) || len(b.take()) != StartWindow {
		t.Fatalf("without a window: %v", err)
	}
	if err := b.e.SetFlags(0); err != nil {
		t.Fatal(err)
	}
	b.run(0)
	if !slices.Contains(b.ups, "writable") {
		t.Errorf("told %q, want writable", b.ups)
	}
	for range 1000 {
		if err := b.write("x"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.e.SetFlags(FlagLinger | FlagRetransmit); !errors.Is(err, core.ErrPerm) {
		t.Errorf("an ordered flow was made reliable: %v", err)
	}
}
