package e2e

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/wire"
	"ouroboros/internal/inject"
	"ouroboros/internal/netns"
	"ouroboros/shim/host/app"
)

// replies counts the replies that a process has had.
func (p *process) replies() int { return strings.Count(p.out.String(), " bytes from ") }

// goesOn waits until a process has had more replies.
func (p *process) goesOn(after string) {
	p.n.l.t.Helper()
	have := p.replies()
	p.n.l.eventually(p.line+" goes on after "+after, func() bool { return p.replies() > have+2 })
}

// TestLostRequestAndReply: a request for a flow that is lost, or its answer, is sent again long before the time of the
// request is over; 20 s of silence are what the prototype has.
func TestLostRequestAndReply(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"eth-dix", "udp4"} {
		t.Run(kind, func(t *testing.T) {
			l := couple(t, kind)
			n1 := l.node("n1")
			end := l.beside("n1", "aside")
			for _, lost := range []string{"out drop 1", "out drop 2", "in drop 1", "in drop 2"} {
				n1.sh("irm shape shim " + lost)
				began := time.Now()
				pinged(t, n1.sh("timeout 15 oping -n oping -q data -c 3 -i 10"), "oping", 3)
				t.Logf("%s: %v", lost, time.Since(began).Round(time.Millisecond))
				dir, _, _ := strings.Cut(lost, " ")
				if got := n1.counter("dropped_packets_total.shaped-loss-" + dir); got == 0 {
					t.Errorf("%s: no packet is counted as lost", lost)
				}
				n1.sh("irm shape shim clear")
			}
			end()
		})
	}
}

// TestLostRequestInALayer is the same in a unicast layer (spec 05): nothing goes either way until the request has been
// lost, or until its answer has.
func TestLostRequestInALayer(t *testing.T) {
	t.Parallel()
	l := couple(t, "eth-dix")
	l.unify()
	end := l.beside("n1", "aside")
	for _, loser := range []string{"n1", "n2"} {
		n := l.node(loser)
		n.sh("irm shape shim out loss 1")
		p := l.node("n1").start("timeout 15 oping -n far -q data -c 3 -i 10")
		time.Sleep(300 * time.Millisecond)
		if p.replies() != 0 {
			t.Errorf("%s: replies over a link that loses everything", loser)
		}
		n.sh("irm shape shim clear")
		began := time.Now()
		if err := p.wait(); err != nil {
			t.Errorf("%s: %v\n%s", loser, err, p.out)
		}
		pinged(t, p.out.String(), "far", 3)
		t.Logf("what %s sent was lost: the flow stands %v after the link", loser, time.Since(began).Round(time.Millisecond))
	}
	end()
}

// TestDisconnectAndConnectOverTwoHops: components of the far member of a line are disconnected and connected, one and
// both; it can be reached again each time. The prototype's daemon does not survive the second time.
func TestDisconnectAndConnectOverTwoHops(t *testing.T) {
	t.Parallel()
	l := newLab(t, "n1", "n2", "n3")
	line(l)
	l.run(`
		n2: irm bind program oping name aside ; irm name register aside layer eth12
		n2: oping --listen &
	`)
	l.reachable("n1", "aside")
	l.reachable("n1", "oping")
	end, check := l.beside("n1", "aside"), l.steady("n1", "n2", "n3")
	for _, component := range []string{"", " component dt", " component mgmt", "", " component dt"} {
		l.run("n3: irm ipcp disconnect name uni3 dst uni2" + component + " ; irm ipcp connect name uni3 dst uni2" + component)
		l.reachable("n1", "oping")
		pinged(t, l.run("n1: oping -n oping -c 3 -i 10"), "oping", 3)
	}
	check()
	end()
}

// TestNameQueryStorm: applications ask for names that nobody has, thousands of them and hundreds at a time. Each request
// ends with a named error, and requests for names that there are succeed meanwhile.
func TestNameQueryStorm(t *testing.T) {
	t.Parallel()
	l := couple(t, "eth-dix")
	n1 := l.node("n1")
	end, check := l.beside("n1", "aside"), l.steady("n1", "n2")
	const applications, names = 8, 400
	var named, others atomic.Int64
	var wg sync.WaitGroup
	var sessions []*app.Session
	for a := range applications {
		s, err := app.Open(app.WithDir(n1.dir), app.WithProgram("storm"))
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, s)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for i := range names {
			wg.Go(func() {
				_, err := s.App().DialContext(ctx, fmt.Sprintf("nobody-%d-%d", a, i), ouroboros.WithTimeout(3*time.Second))
				if errors.As(err, new(core.Code)) {
					named.Add(1)
				} else if others.Add(1) == 1 {
					t.Errorf("the first other error: %v", err)
				}
			})
		}
	}
	for range 5 {
		pinged(t, n1.sh("oping -n oping -c 2 -i 10"), "oping", 2)
	}
	wg.Wait()
	if named.Load() != applications*names {
		t.Errorf("%d of %d requests have ended with a named error, %d with others", named.Load(), applications*names, others.Load())
	}
	for _, s := range sessions {
		s.Close()
	}
	check()
	end()
}

// TestSpoofedRepliesDuringAllocation: while flows are allocated, somebody else answers for the peer, with every
// identifier that the flow may have, and sends data to it. Who is not asked is not heard.
func TestSpoofedRepliesDuringAllocation(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s := besiege(t, kind)
			s.run(`
				n1: irm bind program oping name back ; irm name register back layer low
				n1: oping --listen &
			`)
			n2 := s.node("n2")
			if kind == "udp4" {
				s.hosts(ipBad, "oping", ipGood, "back")
			}
			s.reachable("n2", "back")
			s.endure(t, func() {
				stop := s.spoof()
				defer stop()
				for range 10 {
					pinged(t, n2.sh("oping -n back -q data -c 2 -i 1"), "back", 2)
				}
			}, 100)
		})
	}
}

// spoof answers requests of the victim from another station, as fast as it can, until it is stopped.
func (s *siege) spoof() (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		r := rand.New(rand.NewPCG(4, 0))
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			eid := uint32(64 + i%4032)
			src := [6]byte{2, 0xbe, byte(i), byte(r.Uint32()), byte(r.Uint32()), 2}
			var errs [2]error
			switch s.kind {
			case "eth-dix":
				p := s.reply(eid)
				errs[0] = s.raw.Send(inject.DIX(s.victim, src, wire.DIXEtherType, 0, len(p), p))
				errs[1] = s.raw.Send(inject.DIX(s.victim, src, wire.DIXEtherType, uint16(eid), 64, make([]byte, 64)))
			case "eth-llc":
				p := s.reply(2 + 2*(eid%63))
				errs[0] = s.raw.Send(inject.LLC(s.victim, src, len(p)+3, 0x80, 0x80, p))
				errs[1] = s.raw.Send(inject.LLC(s.victim, src, 67, byte(2+2*(eid%63)), 0x40, make([]byte, 64)))
			case "udp4":
				b := binary.BigEndian.AppendUint32(nil, 0)
				errs[0] = s.socket.Send(append(b, s.reply(eid)...))
				errs[1] = s.socket.Send(append(binary.BigEndian.AppendUint32(nil, eid), make([]byte, 64)...))
			}
			for _, err := range errs {
				if err != nil {
					s.t.Errorf("the attacker: %v", err)
					return
				}
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

// echoes sends a request over a flow until it is answered, and returns the errors of writing meanwhile.
func echoes(l *lab, f *ouroboros.Flow) (errs []error) {
	l.t.Helper()
	l.eventually("the flow carries something", func() bool {
		if _, err := f.Write(make([]byte, 64)); err != nil { // that of oping, with type 0
			errs = append(errs, err)
			return false
		}
		if err := f.SetReadTimeout(100 * time.Millisecond); err != nil {
			l.t.Fatal(err)
		}
		_, err := f.Read(make([]byte, 64))
		return err == nil
	})
	return errs
}

// TestInterfaceDownAndUp: flows over an interface that goes down and up go on, whichever end it is at, also in a layer
// above. A write meanwhile is an error that says that the flow is down. The traffic on another interface does not
// notice.
func TestInterfaceDownAndUp(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"eth-dix", "udp4"} {
		t.Run(kind, func(t *testing.T) {
			l := couple(t, kind)
			l.unify()
			n1 := l.node("n1")
			end, check := l.beside("n1", "aside"), l.steady("n1", "n2")
			s, err := app.Open(app.WithDir(n1.dir), app.WithProgram("updown"))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var flows []*ouroboros.Flow
			for _, qos := range []core.QoS{core.QoSRaw, core.QoSData} {
				f, err := s.App().Dial("oping", ouroboros.WithQoS(qos))
				if err != nil {
					t.Fatal(err)
				}
				flows = append(flows, f)
			}
			far := n1.start("oping -n far -i 10 -q data")
			far.await("seq=1 ")
			for _, at := range []struct{ node, dev string }{{"n2", "v21"}, {"n1", "v12"}} {
				ns := l.node(at.node).ns
				if err := ns.SetUp(at.dev, false); err != nil {
					t.Fatal(err)
				}
				var errs []error
				for range 20 {
					for _, f := range flows {
						if _, err := f.Write(make([]byte, 64)); err != nil {
							errs = append(errs, err)
						}
					}
					time.Sleep(10 * time.Millisecond)
				}
				if err := ns.SetUp(at.dev, true); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				for _, f := range flows {
					errs = append(errs, echoes(l, f)...)
				}
				far.goesOn(at.dev + " went down and up")
				t.Logf("%s: all go on after %v, with %d errors", at.dev, time.Since(began).Round(time.Millisecond), len(errs))
				for _, err := range errs {
					if !errors.Is(err, core.ErrFlowDown) {
						t.Errorf("write: %v, want %v", err, core.ErrFlowDown)
					}
				}
			}
			pinged(t, n1.sh("oping -n far -c 3 -i 10"), "far", 3)
			far.signal(syscall.SIGINT)
			_ = far.wait()
			check()
			end()
		})
	}
}

// TestInterfaceDeletedAndMadeAgain: while there is no interface of the name, the link says so; with a new one of the
// name the layer is served again, with the new address.
func TestInterfaceDeletedAndMadeAgain(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"eth-dix", "eth-llc", "udp4"} {
		t.Run(kind, func(t *testing.T) {
			l := couple(t, kind)
			n1, n2 := l.node("n1"), l.node("n2")
			end, check := l.beside("n1", "aside"), l.steady("n1", "n2")
			if err := n1.ns.Delete("v12"); err != nil { // and its other end with it
				t.Fatal(err)
			}
			if kind != "udp4" {
				l.eventually("the link is down, and says why", func() bool { return strings.Contains(n1.sh("irm rib shim"), "the interface does not exist") })
			}
			n1.fails("timeout 1 oping -n oping -c 1 -i 10", "")
			if err := netns.Veth(n1.ns, "v12", n2.ns, "v21", netns.VethOptions{}); err != nil {
				t.Fatal(err)
			}
			if kind == "udp4" {
				n1.addr("v12", "10.9.0.1/24")
				n2.addr("v21", "10.9.0.2/24")
			}
			began := time.Now()
			l.reachable("n1", "oping")
			t.Logf("reachable after %v", time.Since(began).Round(time.Millisecond))
			pinged(t, n1.sh("oping -n oping -c 3 -i 10"), "oping", 3)
			check()
			end()
		})
	}
}

// TestAddressChange: the IP address of a shim over UDP is taken away and comes back; an Ethernet interface gets another
// MAC address. Whoever asks for a flow then gets one.
func TestAddressChange(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			l := couple(t, kind)
			n1, n2 := l.node("n1"), l.node("n2")
			end, check := l.beside("n1", "aside"), l.steady("n1", "n2")
			raw := n1.start("oping -n oping -i 10")
			raw.await("seq=1 ")
			if kind == "udp4" {
				if err := n2.ns.DelAddr("v21", "10.9.0.2/24"); err != nil {
					t.Fatal(err)
				}
				n1.fails("timeout 1 oping -n oping -c 1 -i 10", "")
				n2.addr("v21", "10.9.0.2/24")
			} else {
				if err := n2.ns.SetMAC("v21", net.HardwareAddr{2, 0xab, 0xcd, 0, 0, 7}); err != nil {
					t.Fatal(err)
				}
			}
			began := time.Now()
			l.reachable("n1", "oping")
			t.Logf("reachable after %v", time.Since(began).Round(time.Millisecond))
			pinged(t, n1.sh("oping -n oping -c 3 -i 10"), "oping", 3)
			raw.signal(syscall.SIGINT)
			_ = raw.wait()
			check()
			end()
		})
	}
}
