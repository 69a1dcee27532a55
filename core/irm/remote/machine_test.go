package remote_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/core/irm/remote"
)

// fill writes until the flow refuses.
func (u *user) fill(size int) {
	for !u.refused && u.write(size) {
	}
}

// While the pipe is full, writers of all flows are refused, what waits is bounded, and each goes on when there is room.
func TestWritersWaitForAFullPipe(t *testing.T) {
	r := newRig(t, 1023)
	a, b := r.connect("a", 2), r.connect("b", 50)
	var from, to []*user
	for i := range 12 {
		x, y := r.flow(a, b, core.Name(fmt.Sprint(i)), core.QoSRaw)
		from, to = append(from, x), append(to, y)
	}
	r.do(func() {
		a.far.stick(true)
		for _, u := range from {
			u.fill(1000)
		}
	})
	live, total := r.w.Pool().Live(), uint32(0)
	for _, u := range from {
		total += u.wrote
		if !u.refused {
			t.Error("a writer was not refused")
		}
	}
	if live > 0 || total > 700 {
		t.Errorf("%d packets were taken, %d are in buffers: that is no bound", total, live)
	}
	for _, u := range from {
		u.onWritable = func() {
			if u.wrote < 300 {
				u.fill(1000)
			}
		}
	}
	r.do(func() { a.far.stick(false) })
	r.run(time.Second)
	for i, u := range from {
		if u.refused || u.wrote < 300 || to[i].read != u.wrote {
			t.Errorf("flow %d: wrote %d, read %d, refused %v", i, u.wrote, to[i].read, u.refused)
		}
	}
	r.tidy()
}

// A reader that does not read stops its own flow: first a window in the application, then the queue of the layer, then
// its writer. Other flows of the same application go on (core.Flow, SetReceive).
func TestASlowReaderStopsItsOwnFlowOnly(t *testing.T) {
	const queue = 20
	r := newRig(t, queue)
	a, b := r.connect("a", 50), r.connect("b", 50)
	slow, deaf := r.flow(a, b, "slow", core.QoSRaw)
	quick, ears := r.flow(a, b, "quick", core.QoSRaw)
	r.do(func() { deaf.receive(false) })
	slow.onWritable = func() { slow.fill(1000) }
	r.do(func() { slow.fill(1000) })
	r.run(time.Second)
	// The window on each side, the queue, and one packet here and there on its way.
	most := uint32(2*remote.Window/(1000+remote.PacketCost) + queue + 6)
	if !slow.refused || slow.wrote > most || slow.wrote < queue {
		t.Errorf("a writer whose reader is off: %d packets, refused %v; %d are the most", slow.wrote, slow.refused, most)
	}
	if q := slow.f.Queued(); q < queue {
		t.Errorf("Queued gives %d, the layer alone holds %d", q, queue)
	}
	quick.onWritable = func() { quick.fill(1000) }
	for quick.wrote < 5000 {
		r.do(func() { quick.write(1000) })
	}
	r.run(time.Second)
	if ears.read != quick.wrote || deaf.read != 0 {
		t.Errorf("the other flow: %d of %d packets; the slow one: %d", ears.read, quick.wrote, deaf.read)
	}
	slow.onWritable = nil
	r.do(func() { deaf.receive(true) })
	r.run(time.Second)
	if deaf.read != slow.wrote || slow.refused {
		t.Errorf("when the reader reads again: %d of %d packets, refused %v", deaf.read, slow.wrote, slow.refused)
	}
	if q := slow.f.Queued(); q != 0 {
		t.Errorf("Queued gives %d when nothing waits", q)
	}
	r.tidy()
}

// What was written before Close is passed on, also what the layer had no room for at that time, within a second.
func TestCloseComesBehindWhatWasWritten(t *testing.T) {
	for _, late := range []time.Duration{100 * time.Millisecond, 10 * time.Second} {
		r := newRig(t, 1)
		a, b := r.connect("a", 50), r.connect("b", 50)
		from, to := r.flow(a, b, "name", core.QoSRaw)
		r.do(func() { to.receive(false) })
		r.do(func() { from.fill(30_000) })
		r.run(time.Millisecond)
		r.do(func() { from.refused = false; from.fill(30_000) })
		r.do(func() { to.write(100); from.close() })
		r.run(late)
		r.do(func() { to.receive(true) })
		r.run(time.Second)
		whole := late < time.Second
		if to.read == 0 || whole && to.read != from.wrote || !errors.Is(to.ended, core.ErrFlowDown) {
			t.Errorf("after %v: %d of %d packets, told %v", late, to.read, from.wrote, to.ended)
		}
		if n := a.server.Flows(); n != 0 {
			t.Errorf("after %v the daemon still holds %d flows", late, n)
		}
		r.tidy()
	}
}

// When an application is gone its flows are closed, its listeners withdrawn, its requests given up.
func TestADeadApplicationLeavesNothing(t *testing.T) {
	r := newRig(t, 10)
	a, b := r.connect("a", 50), r.connect("b", 50)
	x, y := r.flow(a, b, "flow", core.QoSRaw)
	r.do(func() {
		a.ListenLater("kept", func(core.Incoming) {}, func(error) {})
		a.ListenLater("mine", func(in core.Incoming) {}, func(error) {}) // never answers
		a.Alloc(core.Request{Name: "nobody", QoS: core.QoSRaw}, func(core.Flow, error) {})
		y.receive(false)
		x.fill(1000)
		y.write(500)
	})
	var answer error
	r.do(func() {
		b.Alloc(core.Request{Name: "mine", QoS: core.QoSRaw}, func(_ core.Flow, err error) { answer = err })
	})
	r.do(a.near.Close) // as the kernel does it for a process that was killed
	r.run(3 * time.Second)
	if !a.ended || a.why != nil {
		t.Errorf("the daemon: ended %v, %v", a.ended, a.why)
	}
	r.do(func() { y.receive(true) })
	r.run(time.Second)
	if !errors.Is(y.ended, core.ErrFlowDown) || answer == nil {
		t.Errorf("the other application was told %v of the flow, %v of its request", y.ended, answer)
	}
	for _, n := range r.broker.Names() {
		if n.Name == "kept" || n.Name == "mine" {
			t.Errorf("the broker still has %+v", n)
		}
	}
	r.do(x.r.apps[0].Client.Close)
	r.tidy()
}

// When the daemon is gone everything that waits fails with ErrIRMD at once, and everything later (spec 14 §14.6).
func TestADeadDaemonFailsEverything_14_6(t *testing.T) {
	r := newRig(t, 10)
	a, b := r.connect("a", 50), r.connect("b", 50)
	x, y := r.flow(a, b, "flow", core.QoSRaw)
	var asked, heard, lost, later, again error
	var late core.Incoming
	r.do(func() {
		a.Lost(func(err error) { lost = err })
		a.ListenLater("late", func(in core.Incoming) { late = in }, func(err error) { heard = err })
		a.Alloc(core.Request{Name: "nobody", Layer: "loop"}, func(_ core.Flow, err error) { asked = err })
	})
	r.do(func() {
		b.Alloc(core.Request{Name: "late", QoS: core.QoSRaw}, func(core.Flow, error) {})
		b.ListenLater("nobody", func(core.Incoming) {}, func(error) {}) // so that the request waits
		x.receive(false)
		y.write(100)
	})
	r.run(time.Millisecond)
	asked = nil
	r.do(func() { a.Alloc(core.Request{Name: "nobody"}, func(_ core.Flow, err error) { asked = err }) })
	r.do(a.server.Close)
	for what, err := range map[string]error{"a request": asked, "a listener": heard, "Lost": lost} {
		if !errors.Is(err, core.ErrIRMD) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if x.ended != nil {
		t.Error("the end was told before what had arrived")
	}
	r.do(func() { x.receive(true) })
	if x.read != 1 || !errors.Is(x.ended, core.ErrIRMD) {
		t.Errorf("the flow: %d packets, told %v", x.read, x.ended)
	}
	r.do(func() {
		if err := x.f.Write(r.env.Pool.Get(0, 10)); !errors.Is(err, core.ErrIRMD) {
			t.Errorf("Write: %v", err)
		}
		if _, err := a.Listen("x", nil); !errors.Is(err, core.ErrIRMD) {
			t.Errorf("Listen: %v", err)
		}
		a.ListenLater("x", nil, func(err error) { again = err })
		core.Accept(late, func(_ core.Flow, err error) { later = err })
		a.Alloc(core.Request{Name: "x"}, func(_ core.Flow, err error) { asked = err })
		a.Join("x", func(_ core.Flow, err error) { heard = err })
		a.Ready(func(err error) { lost = err })
	})
	for what, err := range map[string]error{"Alloc": asked, "Join": heard, "Ready": lost, "Accept": later, "ListenLater": again} {
		if !errors.Is(err, core.ErrIRMD) {
			t.Errorf("%s after the end: %v", what, err)
		}
	}
	r.tidy()
}

// Refusals reach who asked with their code and text (spec 14 §14.6), from the other application and from the broker.
func TestErrorsKeepWhatTheyAre_14_6(t *testing.T) {
	r := newRig(t, 10)
	a, b := r.connect("a", 50), r.connect("b", 50)
	var reason error
	r.do(func() { b.ListenLater("srv", func(in core.Incoming) { in.Reject(reason) }, func(error) {}) })
	ask := func(q core.Request) (got error) {
		r.do(func() { a.Alloc(q, func(_ core.Flow, err error) { got = err }) })
		r.run(2 * time.Second)
		return got
	}
	for _, code := range []core.Code{core.ErrPerm, core.ErrAgain, core.ErrInvalid, core.ErrAuth, core.ErrBandwidth} {
		reason = fmt.Errorf("%w: for a reason", code)
		if got := ask(core.Request{Name: "srv", QoS: core.QoSRaw}); !errors.Is(got, code) {
			t.Errorf("rejected with %v: %v", code, got)
		}
	}
	if got := ask(core.Request{Name: "nobody"}); !errors.Is(got, core.ErrIPCP) || got.Error() != `no layer knows the name: "nobody"` {
		t.Errorf("an unknown name: %v", got)
	}
	if got := ask(core.Request{Name: "srv", Authenticate: true}); !errors.Is(got, core.ErrAuth) {
		t.Errorf("no authority: %v", got)
	}
	if got := ask(core.Request{Name: core.Name(make([]byte, 256))}); !errors.Is(got, core.ErrName) {
		t.Errorf("a long name: %v", got)
	}
	var joined error
	r.do(func() { a.Join("loop", func(_ core.Flow, err error) { joined = err }) })
	if !errors.Is(joined, core.ErrIPCP) {
		t.Errorf("Join: %v", joined)
	}
	r.tidy()
}

// A request that is given up is given up in the broker; an answer that is on its way is for nobody.
func TestCanceledRequests(t *testing.T) {
	r := newRig(t, 10)
	a, b := r.connect("a", 50), r.connect("b", 50)
	accepted := &user{r: r}
	r.do(func() {
		b.ListenLater("srv", func(in core.Incoming) { core.Accept(in, accepted.take) }, func(error) {})
	})
	fail := func(core.Flow, error) { t.Error("a canceled request was answered") }
	r.do(func() { a.Alloc(core.Request{Name: "srv", QoS: core.QoSRaw}, fail)() })
	r.run(time.Second)
	if accepted.f != nil && accepted.ended == nil {
		t.Error("the other end of a canceled flow stands")
	}
	r.do(func() {
		cancel := a.Alloc(core.Request{Name: core.Name(make([]byte, 300))}, fail)
		cancel()
	})
	// The flow stands in the daemon and the answer is in the pipe.
	r.do(func() { a.near.stick(true) })
	var cancel func()
	accepted = &user{r: r}
	r.do(func() { cancel = a.Alloc(core.Request{Name: "srv", QoS: core.QoSRaw}, fail) })
	r.run(100 * time.Millisecond)
	r.do(func() { accepted.write(10) })
	r.do(func() { cancel(); a.near.stick(false) })
	r.run(time.Second)
	if a.Flows() != 0 || accepted.ended == nil {
		t.Errorf("%d flows are left, the other end was told %v", a.Flows(), accepted.ended)
	}
	r.tidy()
}

// Keys cross the boundary and both ends have the same (spec 11); the flow is locked until it is unlocked.
func TestKeysReachTheApplications_11(t *testing.T) {
	r := newRig(t, 10)
	a, b := r.connect("a", 50), r.connect("b", 50)
	var ends [2]core.Flow
	take := func(i int) func(core.Flow, error) {
		return func(f core.Flow, err error) {
			check(t, err)
			ends[i] = f
		}
	}
	r.do(func() {
		b.ListenLater("srv", func(in core.Incoming) { core.Accept(in, take(1)) }, func(error) {})
	})
	r.do(func() { a.Alloc(core.Request{Name: "srv", QoS: core.QoSRaw, Encrypt: true}, take(0)) })
	r.run(time.Second)
	var sec [2]core.Security
	for i, f := range ends {
		l, ok := f.(core.SecureFlow)
		if !ok {
			t.Fatalf("end %d is no SecureFlow", i)
		}
		if err := l.Write(r.env.Pool.Get(0, 10)); !errors.Is(err, core.ErrCrypt) {
			t.Errorf("Write to a locked flow: %v", err)
		}
		var below core.Flow
		below, sec[i] = l.Unlock()
		if i := below.Info(); i.Cipher == 0 || i.MTU == 0 {
			t.Errorf("info %+v", i)
		}
	}
	if sec[0].Key != sec[1].Key || sec[0].Key == [32]byte{} || sec[0].Initiator == sec[1].Initiator || sec[0].Cipher != sec[1].Cipher {
		t.Error("the ends do not have the same keys")
	}
	r.tidy()
}

// The limits of one application hold, and say what they are.
func TestLimits(t *testing.T) {
	r := newRig(t, 10)
	a := r.connect("a", 5000)
	var last error
	r.do(func() {
		for range remote.MaxFlows {
			a.Join("nothing", func(_ core.Flow, err error) { last = err })
		}
		a.Join("nothing", func(_ core.Flow, err error) { last = err })
	})
	if !errors.Is(last, core.ErrIPCP) && !errors.Is(last, core.ErrAgain) {
		t.Errorf("one flow too many: %v", last)
	}
	r.run(time.Second)
	refused := 0
	r.do(func() {
		for range remote.MaxListens + 1 {
			a.ListenLater("x", nil, func(err error) {
				if errors.Is(err, core.ErrAgain) {
					refused++
				}
			})
		}
		if _, err := a.Listen("y", nil); !errors.Is(err, core.ErrAgain) {
			t.Errorf("Listen: %v", err)
		}
	})
	r.run(time.Second)
	if refused != 1+max(0, remote.MaxListens-irm.MaxListens) {
		t.Errorf("%d listeners were refused", refused)
	}
	if a.ended {
		t.Errorf("the application was cut off: %v", a.why)
	}
	r.tidy()
}
