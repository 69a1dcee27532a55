package sim

import (
	"net/netip"
	"testing"

	"ouroboros/core"
)

// The ends of datagram links have IP addresses of their own, of the family that the spec says, with the
// default port of the UDP shims; frames of a datagram link tell who sent them.
func TestDatagramLinksHaveAddresses(t *testing.T) {
	w := New(1)
	a, b := w.Node("a"), w.Node("b")
	seen := map[core.Addr]bool{}
	for _, v6 := range []bool{false, true, false} {
		wi, err := w.Link(core.LinkSpec{Kind: core.LinkDatagram, IPv6: v6}, a, b)
		if err != nil {
			t.Fatal(err)
		}
		la, lb := wi.Ends()
		for _, l := range []core.Link{la, lb} {
			ap := l.Info().Addr.AddrPort()
			net := netip.MustParsePrefix("10.0.0.0/8")
			if v6 {
				net = netip.MustParsePrefix("fd00::/64")
			}
			if !net.Contains(ap.Addr()) || ap.Port() != 3435 || seen[l.Info().Addr] {
				t.Errorf("ipv6 %v: address %v, or it is not the first to have it", v6, ap)
			}
			seen[l.Info().Addr] = true
		}
	}
}

// A datagram to an address that the link does not lead to is lost and counted (core.Link.Send).
func TestDatagramsToStrangersAreLost(t *testing.T) {
	w := New(1)
	a, b := w.Node("a"), w.Node("b")
	wi, err := w.Link(core.LinkSpec{Kind: core.LinkDatagram}, a, b)
	if err != nil {
		t.Fatal(err)
	}
	la, lb := wi.Ends()
	got := &sink{env: b, link: lb}
	lb.Attach(got)
	stranger := core.IPAddr(netip.MustParseAddrPort("192.0.2.1:3435"))
	for _, to := range []core.Addr{stranger, lb.Info().Addr, {}} {
		if err := la.Send(w.Pool().Get(0, 10), to); err != nil {
			t.Error(err)
		}
	}
	_ = w.Run(1)
	st := wi.Stats(0)
	if len(got.at) != 2 || st.SentPackets != 3 || st.SentBytes != 30 || st.DropLoss != 1 || st.DeliveredPackets != 2 {
		t.Errorf("%d arrived, stats %+v", len(got.at), st)
	}
	w.Kill("a")
	if _, err := w.Revive("a"); err != nil {
		t.Fatal(err)
	}
	if err := la.Send(w.Pool().Get(0, 10), stranger); err == nil {
		t.Error("the link of an old life takes datagrams")
	}
	if w.Pool().Live() != 0 {
		t.Errorf("%d packets are out", w.Pool().Live())
	}
}
