package ipcp

import (
	"errors"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/ipcp/pb"
)

// registrar enrolls in a broadcast layer, which has the shortest configuration.
func (b *bench) registrar() *Registrar {
	return &Registrar{
		Env: b.ends[1].env, Sent: func(n int) { b.sent[1] += n },
		Config: func() (*pb.Config, error) {
			return ConfigOf(core.LayerInfo{Name: "bc", Kind: core.KindBroadcast, Hash: core.SHA3_256}), nil
		},
	}
}

// newcomer asks for enrollment at end 0.
func (b *bench) newcomer(adopt func(*pb.Config) error) (cancel func()) {
	n := Newcomer{Adopt: adopt, Offset: func(time.Duration) {}, Sent: func(n int) { b.sent[0] += n }}
	return n.Run(b.ends[0].env, b.ends[0], func(err error) { b.done(0)(Announcement{}, err) })
}

func adopts(*pb.Config) error { return nil }

// TestEnrollment: spec 07 §5.2. Both sides close the flow; nothing is reported on the stack of Run.
func TestEnrollment(t *testing.T) {
	b := newBench(t)
	r := b.registrar()
	r.Serve(b.ends[1])
	name := ""
	b.newcomer(func(c *pb.Config) error { name = c.GetLayerInfo().GetName(); return nil })
	if len(b.got[0]) != 0 || r.Open() != 1 {
		t.Error("it is over before it has begun")
	}
	b.run(t, time.Second)
	if got := b.once(t, 0); got.err != nil || name != "bc" || r.Open() != 0 || !b.ends[0].closed || !b.ends[1].closed {
		t.Errorf("%v, layer %q, %d open", got.err, name, r.Open())
	}
	if st := r.Stats(); st != (EnrollStats{Enrolled: 1}) || b.sent != [2]int{10 + 12, 10 + 10 + 12} {
		t.Errorf("%+v, sent %v", st, b.sent)
	}
}

// TestConfigurationThatCannotBeUsed: D12. The member learns that the newcomer failed.
func TestConfigurationThatCannotBeUsed(t *testing.T) {
	b := newBench(t)
	r := b.registrar()
	r.Serve(b.ends[1])
	why := errors.New("too small a room")
	b.newcomer(func(*pb.Config) error { return why })
	b.run(t, time.Second)
	if got := b.once(t, 0); !errors.Is(got.err, why) || r.Stats() != (EnrollStats{Failed: 1}) {
		t.Errorf("%v, %+v", got.err, r.Stats())
	}
}

// TestMemberWithoutConfiguration: it sends nothing wrong, and the newcomer runs into its time-out.
func TestMemberWithoutConfiguration(t *testing.T) {
	b := newBench(t)
	r := b.registrar()
	r.Config = func() (*pb.Config, error) { return nil, core.ErrIPCPState }
	r.Serve(b.ends[1])
	b.newcomer(adopts)
	b.run(t, 30*time.Second)
	if got := b.once(t, 0); !errors.Is(got.err, ErrEnrollTimeout) || got.at != core.Time(OEPTimeout) || r.Stats() != (EnrollStats{Incomplete: 1}) {
		t.Errorf("%v at %v, %+v", got.err, got.at, r.Stats())
	}
}

// TestFlowsThatRefuse: a message that cannot be written is lost for the member and ends the try of the
// newcomer. No packet is left behind.
func TestFlowsThatRefuse(t *testing.T) {
	for _, refuse := range []error{core.ErrWouldBlock, core.ErrFlowDown} {
		for end := range 2 {
			b := newBench(t)
			r := b.registrar()
			r.Serve(b.ends[1])
			b.ends[end].refuse = refuse
			b.newcomer(adopts)
			if len(b.got[0]) != 0 {
				t.Error("told on the stack of Run")
			}
			b.run(t, 30*time.Second)
			if got := b.once(t, 0); end == 0 && !errors.Is(got.err, refuse) || end == 1 && !errors.Is(got.err, ErrEnrollTimeout) {
				t.Errorf("end %d refuses with %v: %v", end, refuse, got.err)
			}
			if r.Stats().Incomplete != 1 || r.Open() != 0 {
				t.Errorf("end %d refuses with %v: %+v", end, refuse, r.Stats())
			}
		}
	}
}

// TestFlowThatEnds: on either side.
func TestFlowThatEnds(t *testing.T) {
	b := newBench(t)
	r := b.registrar()
	r.Serve(b.ends[1])
	b.newcomer(adopts)
	b.ends[0].sink.Closed(nil)
	b.ends[1].sink.Closed(core.ErrFlowPeer)
	b.run(t, 30*time.Second)
	if got := b.once(t, 0); !errors.Is(got.err, core.ErrFlowDown) || r.Stats().Incomplete != 1 {
		t.Errorf("%v, %+v", got.err, r.Stats())
	}
}

// TestCancelAndStop: whoever gives up is not told any more.
func TestCancelAndStop(t *testing.T) {
	b := newBench(t)
	r := b.registrar()
	r.Serve(b.ends[1])
	b.newcomer(adopts)()
	r.Stop()
	b.run(t, 30*time.Second)
	if len(b.got[0]) != 0 || r.Open() != 0 || r.Stats() != (EnrollStats{}) || !b.ends[0].closed || !b.ends[1].closed {
		t.Errorf("told %v, %+v", b.got[0], r.Stats())
	}
}

// TestTooManyNewcomers: those beyond the limit are turned away, and the memory is bounded.
func TestTooManyNewcomers(t *testing.T) {
	b := newBench(t)
	r := b.registrar()
	for range maxNewcomers {
		r.Serve(&peer{env: b.ends[1].env, other: b.ends[0]})
	}
	r.Serve(b.ends[1])
	if r.Open() != maxNewcomers || r.Stats().Overload != 1 || !b.ends[1].closed {
		t.Errorf("%d open, %+v", r.Open(), r.Stats())
	}
	b.run(t, EnrollTimeout)
	if r.Open() != 0 || r.Stats().Incomplete != maxNewcomers {
		t.Errorf("%d open, %+v", r.Open(), r.Stats())
	}
}

// FuzzEnrollment: whatever two messages either side gets, it ends, and leaves nothing behind.
func FuzzEnrollment(f *testing.F) {
	req, _ := exampleID.MarshalRequest()
	ack, _ := exampleID.MarshalOEPAck(0)
	f.Add(req, ack)
	f.Add(req, req)
	f.Add(bytesOf(f, exampleResponse), []byte{})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for end := range 2 {
			b := newBench(t)
			r := b.registrar()
			if end == 0 {
				b.newcomer(adopts)
			} else {
				r.Serve(b.ends[1])
			}
			for _, msg := range [][]byte{first, second} {
				if s := b.ends[end].sink; s != nil {
					s.Deliver(b.ends[end].env.Pool.GetCopy(0, msg))
				}
			}
			b.run(t, time.Minute)
			if st := r.Stats(); r.Open() != 0 || end == 1 && st.Enrolled+st.Failed+st.Incomplete+st.BadMessage != 1 || end == 0 && len(b.got[0]) != 1 {
				t.Fatalf("end %d: %d open, %+v, told %v", end, r.Open(), st, b.got[0])
			}
			if n := b.w.Pool().Live(); n != 0 {
				t.Fatalf("%d packets were not released", n)
			}
		}
	})
}
