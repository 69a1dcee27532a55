package udp

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/shim/internal/shimtest"
)

// keep is a sink that keeps the last packet.
type keep struct {
	shimtest.Sink
	p *pkt.Buf
}

func (k *keep) Deliver(p *pkt.Buf) { k.p = p }

// slow is a resolver that answers when the test says so.
type slow struct {
	asked []string
	done  []func(core.Addr, bool)
}

func (s *slow) Resolve(digest string, done func(core.Addr, bool)) {
	s.asked, s.done = append(s.asked, digest), append(s.done, done)
}

// resolving is a shim with a resolver, and the address of its next request.
func resolving(t *testing.T, r Resolver) (*shimtest.World, *Shim, func() core.Addr) {
	w := shimtest.New(t.Errorf)
	link := &spy{End: w.Wire(core.LinkDatagram, 2, time.Millisecond)[0]}
	s, err := New(w.Env("shim"), link, Config{Layer: "net", Kind: core.KindUDP4, Resolver: r})
	if err != nil {
		t.Fatal(err)
	}
	return w, s, func() core.Addr {
		s.AllocFlow(core.FlowRequest{Hash: oping}, func(core.Flow, core.FlowReply, error) {})()
		w.Settle()
		return link.to
	}
}

// spy is a link that notes where datagrams go.
type spy struct {
	*shimtest.End
	to core.Addr
}

func (s *spy) Send(p *pkt.Buf, to core.Addr) error {
	s.to = to
	p.Release()
	return nil
}

// The name that is looked up is the digest in lowercase hexadecimal; a result enters the directory for good
// (spec 01 §5.5), also when it comes after the caller has gone.
func TestQueryAsksTheResolverOnce_01_5_5(t *testing.T) {
	r := &slow{}
	w, s, requestTo := resolving(t, r)
	cancel := s.Query(oping, func(bool) { t.Error("answer to a canceled query") })
	cancel()
	found := 0
	s.Query(oping, func(ok bool) {
		if ok {
			found++
		}
	})
	w.Settle()
	if len(r.asked) != 2 || r.asked[0] != opingDigest || found != 0 {
		t.Fatalf("asked for %q, %d answers", r.asked, found)
	}
	r.done[0](addr("192.0.2.7:4000"), true)
	if found != 0 {
		t.Error("answer on the stack of the resolver")
	}
	w.Settle()
	s.Query(oping, func(ok bool) {
		if ok {
			found++
		}
	})
	w.Settle()
	if len(r.asked) != 2 || found != 1 {
		t.Errorf("asked %d times, %d answers: the directory knows the name", len(r.asked), found)
	}
	r.done[1](core.Addr{}, false)
	w.Settle()
	if found != 1 {
		t.Error("a resolver that does not know the name has found it")
	}
	if to := requestTo(); to != addr("192.0.2.7:4000") {
		t.Errorf("request to %v", to)
	}
}

// An address without a port has that of the layer, which all members share (spec 01 §5.1); one of the other
// IP version is none.
func TestResolvedAddressesFitTheLayer_01_5_4(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7:0":        "192.0.2.7:3435",
		"192.0.2.7:99":       "192.0.2.7:99",
		"[2001:db8::1]:3435": "",
		"0.0.0.0:3435":       "",
	} {
		w, s, requestTo := resolving(t, Fixed(addr(text)))
		found := false
		s.Query(oping, func(ok bool) { found = ok })
		w.Settle()
		if found != (want != "") {
			t.Errorf("%s: found %v", text, found)
		}
		if to := requestTo(); want != "" && to != addr(want) || want == "" && !to.IsZero() {
			t.Errorf("%s: request to %v, want %s", text, to, want)
		}
	}
}

func TestResolversThatKnowNothingSaySo(t *testing.T) {
	for name, r := range map[string]Resolver{"empty table": Hosts{}, "no address": Fixed{}} {
		w, s, _ := resolving(t, r)
		answers, found := 0, true
		s.Query(oping, func(ok bool) { answers++; found = ok })
		w.Settle()
		if answers != 1 || found {
			t.Errorf("%s: %d answers, found %v", name, answers, found)
		}
	}
	w, s, _ := resolving(t, Hosts{})
	found := true
	s.Query("short", func(ok bool) { found = ok })
	w.Settle()
	if found {
		t.Error("a digest of another length was found")
	}
}
