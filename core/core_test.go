package core_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// The predefined specs have the fields of spec 12 §12.2, with the ber 1 that default builds send (§12.6).
func TestPredefinedSpecs_12_2(t *testing.T) {
	const most = 1<<32 - 1
	for name, c := range map[string]struct{ got, want core.QoS }{
		"raw":           {core.QoSRaw, core.QoS{Delay: most, Loss: 1, BER: 1, MaxGap: most, Timeout: 120_000}},
		"raw_no_errors": {core.QoSRawNoErrors, core.QoS{Delay: most, Loss: 1, BER: 0, MaxGap: most, Timeout: 120_000}},
		"best_effort":   {core.QoSBestEffort, core.QoS{Delay: most, Loss: 1, BER: 1, InOrder: 1, MaxGap: most, Timeout: 120_000}},
		"video":         {core.QoSVideo, core.QoS{Delay: 100, Bandwidth: 1<<64 - 1, Availability: 3, Loss: 1, BER: 1, InOrder: 1, MaxGap: 100, Timeout: 120_000}},
		"voice":         {core.QoSVoice, core.QoS{Delay: 50, Bandwidth: 100_000, Availability: 5, Loss: 1, BER: 1, InOrder: 1, MaxGap: 50, Timeout: 120_000}},
		"data":          {core.QoSData, core.QoS{Delay: 1000, Loss: 0, BER: 1, InOrder: 1, MaxGap: 2000, Timeout: 120_000}},
	} {
		if c.got != c.want {
			t.Errorf("%s: %+v, want %+v", name, c.got, c.want)
		}
	}
	if d := core.QoSRaw.PeerTimeout(); d != 2*time.Minute {
		t.Errorf("peer timeout %v", d)
	}
}

// A spec asks for FRCP by in_order and for retransmission by loss 0, and maps to the first cube that it fits
// (spec 12 §12.3, §12.4).
func TestSpecMapping_12_3_12_4(t *testing.T) {
	for _, c := range []struct {
		name string
		q    core.QoS
		mode string
		cube core.Cube
	}{
		{"raw", core.QoSRaw, "raw", core.CubeBestEffort},
		{"raw_no_errors", core.QoSRawNoErrors, "raw", core.CubeBestEffort},
		{"best effort", core.QoSBestEffort, "ordered", core.CubeBestEffort},
		{"video", core.QoSVideo, "ordered", core.CubeVideo},
		{"voice", core.QoSVoice, "ordered", core.CubeVoice},
		{"data", core.QoSData, "reliable", core.CubeBestEffort},
		{"loss alone does not make it reliable", core.QoS{Delay: core.DontCare, MaxGap: core.DontCare}, "raw", core.CubeBestEffort},
		{"in_order is a boolean", core.QoS{InOrder: 255}, "reliable", core.CubeBestEffort},
		{"voice at its bounds", core.QoS{Delay: 50, Bandwidth: 100_000, Availability: 5, MaxGap: 50}, "raw", core.CubeVoice},
		{"too slow for voice", core.QoS{Delay: 51, Bandwidth: 100_000, Availability: 5, MaxGap: 50}, "raw", core.CubeVideo},
		{"too fat for voice", core.QoS{Delay: 50, Bandwidth: 100_001, Availability: 5, MaxGap: 50}, "raw", core.CubeVideo},
		{"not available enough for voice", core.QoS{Delay: 50, Availability: 4, MaxGap: 50}, "raw", core.CubeVideo},
		{"gap too long for voice", core.QoS{Delay: 50, Availability: 5, MaxGap: 51}, "raw", core.CubeVideo},
		{"video at its bounds", core.QoS{Delay: 100, Bandwidth: 1<<64 - 1, Availability: 3, MaxGap: 100}, "raw", core.CubeVideo},
		{"too slow for video", core.QoS{Delay: 101, Availability: 9, MaxGap: 1}, "raw", core.CubeBestEffort},
		{"not available enough for video", core.QoS{Delay: 1, Availability: 2, MaxGap: 1}, "raw", core.CubeBestEffort},
		{"gap too long for video", core.QoS{Delay: 1, Availability: 9, MaxGap: 101}, "raw", core.CubeBestEffort},
	} {
		if got := c.q.Mode().String(); got != c.mode {
			t.Errorf("%s: mode %s, want %s", c.name, got, c.mode)
		}
		if got := c.q.Cube(); got != c.cube {
			t.Errorf("%s: cube %d, want %d", c.name, got, c.cube)
		}
	}
	if core.CubeBestEffort != 0 || core.CubeVideo != 1 || core.CubeVoice != 2 || core.NumCubes != 3 {
		t.Error("the cubes have other numbers than those of spec 12 §12.7")
	}
}

// The digests of the name "oping" are those of spec 01 §2.1.3. Those of SHA3-384 and SHA3-512, which the
// table leaves out, are those of the empty name in the NIST example values.
func TestNameDigests_01_2_1_3(t *testing.T) {
	for _, c := range []struct {
		algo core.HashAlgo
		code int
		name core.Name
		hex  string
	}{
		{core.SHA3_224, 0, "oping", "e098ae7fb0190561dffca699eccb4dcf605f900ee2fe18c71b5efee7"},
		{core.SHA3_256, 1, "oping", "42dee3b0415b4f690fd91cbd99876f1e9bd8d9745ef7fa32b142773af0349d54"},
		{core.SHA3_384, 2, "", "0c63a75b845e4f7d01107d852e4c2485c51a50aaaa94fc61995e71bbee983a2ac3713831264adb47fb6bd1e058d5f004"},
		{core.SHA3_512, 3, "", "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26"},
		{core.MD5, 5, "oping", "7862c6fec5ecaef4aa2e3934725e23b3"},
	} {
		h := c.algo.Sum(c.name)
		if h.String() != c.hex || len(h) != c.algo.Len() || hex.EncodeToString([]byte(h)) != c.hex || int(c.algo) != c.code {
			t.Errorf("algorithm %d: %v of %d bytes, want %s", c.algo, h, c.algo.Len(), c.hex)
		}
	}
	if h := core.HashAlgo(4).Sum("oping"); h != "" || core.HashAlgo(4).Len() != 0 {
		t.Errorf("an unknown algorithm gives %v", h)
	}
}

// A name has 1 to 255 bytes (spec 13 §13.1).
func TestNameLength_13_1(t *testing.T) {
	for n, ok := range map[int]bool{0: false, 1: true, 255: true, 256: false} {
		err := core.Name(strings.Repeat("x", n)).Validate()
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), fmt.Sprint(n)) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// Addresses come back as they went in, are equal only to themselves, and print as usual.
func TestAddrRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes")
		port := rapid.Uint16().Draw(t, "port")
		mac := core.MACFrom(b)
		if mac.MAC() != [6]byte(b[:6]) || mac.IsZero() || mac.AddrPort().IsValid() {
			t.Fatalf("MAC % x became %v", b[:6], mac)
		}
		v4 := netip.AddrPortFrom(netip.AddrFrom4([4]byte(b)), port)
		if a := core.IPAddr(v4); a.AddrPort() != v4 || a.String() != v4.String() || a.MAC() != [6]byte{} || a == mac {
			t.Fatalf("%v became %v", v4, a)
		}
		mapped := netip.AddrPortFrom(netip.AddrFrom16(v4.Addr().As16()), port)
		if core.IPAddr(mapped) != core.IPAddr(v4) {
			t.Fatalf("%v is not %v", mapped, v4)
		}
		v6 := netip.AddrPortFrom(netip.AddrFrom16([16]byte(b)), port)
		if a := core.IPAddr(v6); a.AddrPort() != netip.AddrPortFrom(v6.Addr().Unmap(), port) {
			t.Fatalf("%v became %v", v6, a)
		}
	})
	for a, want := range map[core.Addr]string{
		{}:                "none",
		core.BroadcastMAC: "ff:ff:ff:ff:ff:ff",
		core.MACAddr([6]byte{2, 0, 0, 0, 0x10, 1}):              "02:00:00:00:10:01",
		core.IPAddr(netip.MustParseAddrPort("192.0.2.1:3435")):  "192.0.2.1:3435",
		core.IPAddr(netip.MustParseAddrPort("[2001:db8::1]:1")): "[2001:db8::1]:1",
		core.IPAddr(netip.AddrPort{}):                           "none",
	} {
		if a.String() != want {
			t.Errorf("%q, want %q", a, want)
		}
	}
	if !core.IPAddr(netip.AddrPort{}).IsZero() || core.MACAddr([6]byte{}).IsZero() {
		t.Error("only the zero Addr is no address")
	}
}

// The codes are those that travel (spec 14 §14.6), each with a text of its own, and survive wrapping.
func TestCodes_14_6(t *testing.T) {
	codes := map[core.Code]core.Code{
		core.ErrPerm: 1, core.ErrAgain: 11, core.ErrInvalid: 22, core.ErrMsgSize: 90, core.ErrUnsupp: 95,
		core.ErrConnReset: 104, core.ErrTimedOut: 110, core.ErrCanceled: 125, core.ErrNotAlloc: 1000,
		core.ErrIPCPType: 1001, core.ErrIRMD: 1002, core.ErrIPCP: 1003, core.ErrIPCPState: 1004, core.ErrFlowDown: 1005,
		core.ErrFlowPeer: 1006, core.ErrName: 1007, core.ErrCrypt: 1008, core.ErrAuth: 1009,
		core.ErrBandwidth: 1100, // an extension
	}
	texts := map[string]bool{}
	for c, number := range codes {
		text := c.Error()
		if c != number || text == "" || strings.HasPrefix(text, "error ") || texts[text] {
			t.Errorf("code %d, want %d, text %q", c, number, text)
		}
		texts[text] = true
		if got := core.CodeOf(fmt.Errorf("outer: %w", c)); got != c {
			t.Errorf("code %d is wrapped as %d", c, got)
		}
	}
	if core.Code(77).Error() != "error 77" {
		t.Errorf("%q", core.Code(77).Error())
	}
	if core.CodeOf(errors.New("x")) != core.ErrIPCP || core.CodeOf(core.ErrWouldBlock) != core.ErrIPCP {
		t.Error("an error without a code travels as something else than ErrIPCP")
	}
}

// What is too long is told with both lengths, and travels as the code that it is.
func TestSizeErrorIsErrMsgSize(t *testing.T) {
	err := fmt.Errorf("write: %w", core.SizeError{Len: 1501, MTU: 1500})
	if !errors.Is(err, core.ErrMsgSize) || core.CodeOf(err) != core.ErrMsgSize {
		t.Errorf("%v is no ErrMsgSize", err)
	}
	if want := "write: message too long: 1501 bytes, the MTU is 1500"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

// Time does not wrap around: a deadline beyond all times is Never.
func TestTimeSaturates(t *testing.T) {
	for _, c := range []struct {
		t    clock.Time
		d    time.Duration
		want clock.Time
	}{
		{0, 5, 5},
		{10, -3, 7},
		{clock.Never, 1, clock.Never},
		{clock.Never - 1, 1, clock.Never},
		{1 << 62, 1<<63 - 1, clock.Never},
		{clock.Never, -1, clock.Never - 1},
	} {
		if got := c.t.Add(c.d); got != c.want {
			t.Errorf("%d + %d = %d, want %d", c.t, c.d, got, c.want)
		}
	}
	if s := clock.Time(1_500_000_000); s.String() != "1.5s" || s.Seconds() != 1.5 || s.Sub(1) != 1_499_999_999 || !clock.Time(1).Before(2) || clock.Time(2).Before(2) {
		t.Error("a time is misread")
	}
}

// requested is a request that is answered on the spot, distant one that is answered by another process.
type requested struct {
	core.Incoming
	flow core.Flow
	err  error
}

func (r requested) Accept() (core.Flow, error) { return r.flow, r.err }

type distant struct {
	requested
	done *func(core.Flow, error)
}

func (d distant) Accept() (core.Flow, error)              { return nil, core.ErrUnsupp }
func (d distant) AcceptLater(done func(core.Flow, error)) { *d.done = done }

// Accept works for requests of a broker in this process and in another (core.Deferred).
func TestAcceptOfEitherKind(t *testing.T) {
	var err error
	calls := 0
	done := func(_ core.Flow, e error) { err = e; calls++ }
	core.Accept(requested{err: core.ErrAuth}, done)
	if calls != 1 || !errors.Is(err, core.ErrAuth) {
		t.Errorf("on the spot: %d answers, %v", calls, err)
	}
	var later func(core.Flow, error)
	if core.Accept(distant{done: &later}, done); calls != 1 || later == nil {
		t.Fatalf("%d answers before the other process has given one", calls)
	}
	if later(nil, core.ErrName); calls != 2 || !errors.Is(err, core.ErrName) {
		t.Errorf("later: %d answers, %v", calls, err)
	}
}
