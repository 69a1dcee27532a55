package oap

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/wire"
)

// hashLen is the length of the request hash of a plain exchange.
const hashLen = 48

// epoch is the time of the examples of spec 11 §11.9.
const epoch = 1771781346_000000000

// host is an Env with a settable clock and a counting source of entropy: ids are 10 11 12 … 1f first.
type host struct {
	wall int64
	next byte
}

func (h *host) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = h.next
		h.next++
	}
	return len(b), nil
}

func (h *host) env() core.Env {
	return core.Env{Wall: func() int64 { return h.wall }, Entropy: h}
}

func newHost() *host { return &host{wall: epoch, next: 0x10} }

func mustHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func exchange(t *testing.T) (r *Request, request, response []byte) {
	t.Helper()
	h := newHost()
	r, request, err := NewRequest(h.env(), "oenc", nil)
	if err != nil {
		t.Fatal(err)
	}
	h.wall += int64(3 * time.Millisecond)
	var s Server
	if response, _, err = s.Respond(h.env(), nil, request); err != nil {
		t.Fatal(err)
	}
	return r, request, response
}

func TestPlainExchangeIsThatOfTheExample_11_9(t *testing.T) {
	r, request, response := exchange(t)
	want := mustHex(t, "101112131415161718191a1b1c1d1e1f 1896a1bf33fe5400 0000 0000 0000 0000 0000 0000")
	if !bytes.Equal(request, want) {
		t.Errorf("request  %x\nwant     %x", request, want)
	}
	want = mustHex(t, "101112131415161718191a1b1c1d1e1f 1896a1bf342c1ac0 0000 0000 0000 0000 0000 0000"+
		"3dcf65479d6c14dea4a5fb3a763c360edcfd9a30f030eb8b1b3fb8f49f6200dc956a632cfe7c8285fd0d0769c8de1c0d")
	if !bytes.Equal(response, want) {
		t.Errorf("response %x\nwant     %x", response, want)
	}
	if _, err := r.Verify(newHost().env(), response); err != nil {
		t.Error(err)
	}
}

// A request of a live node of the prototype and the hash in the answer of another.
func TestLivePrototypeRequestIsAnswered_11_2(t *testing.T) {
	request := mustHex(t, "744da2e0699e25a0aa074ab809feda8918ea5fdd49661c6b000000000000000000000000")
	h := &host{wall: 1795352805488120519}
	var s Server
	response, _, err := s.Respond(h.env(), nil, request)
	if err != nil {
		t.Fatal(err)
	}
	want := mustHex(t, "744da2e0699e25a0aa074ab809feda89 18ea5fdd499ed2c7 000000000000000000000000"+
		"ebd884018a36118be2f385581d7fde2f66bc0b8b2f3751d4310376749d9ef4c8f19fc5bb4c26b5785644a32474126336")
	if !bytes.Equal(response, want) {
		t.Errorf("response %x\nwant     %x", response, want)
	}
}

func TestResponseWithAnyBitChangedFails_11_7(t *testing.T) {
	r, _, response := exchange(t)
	for i := range response {
		if i >= 16 && i < 24 {
			continue // the timestamp of a response is not checked (§11.6)
		}
		bad := bytes.Clone(response)
		bad[i] ^= 0x40
		// A plain client takes what the response says about ciphers as it is (§11.7.3), as long as it can be
		// decoded.
		if _, err := wire.ParseOAP(bad, hashLen); err == nil && i >= 24 && i < 30 {
			continue
		}
		if _, err := r.Verify(newHost().env(), bad); !errors.Is(err, core.ErrCrypt) {
			t.Errorf("byte %d: %v", i, err)
		}
	}
	for n := range response {
		if _, err := r.Verify(newHost().env(), response[:n]); !errors.Is(err, core.ErrCrypt) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestResponseWithCertificateIsNotTrusted_11_5(t *testing.T) {
	r, _, response := exchange(t)
	m, _ := wire.ParseOAP(response, hashLen)
	m.Certificate, m.Signature = []byte{1}, []byte{2}
	if _, err := r.Verify(newHost().env(), m.Append(nil)); !errors.Is(err, core.ErrAuth) || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
}

func TestFreshness_11_6(t *testing.T) {
	for _, c := range []struct {
		age  time.Duration
		want error
	}{
		{0, nil},
		{20 * time.Second, nil},
		{20*time.Second + 999*time.Microsecond, nil}, // truncated to 20 000 ms
		{20*time.Second + time.Millisecond, core.ErrAuth},
		{-100 * time.Millisecond, nil},
		{-100*time.Millisecond - 999*time.Microsecond, nil},
		{-101 * time.Millisecond, core.ErrAuth},
		{-100 * 365 * 24 * time.Hour, core.ErrAuth},
	} {
		h := newHost()
		h.wall -= int64(c.age)
		_, request, err := NewRequest(h.env(), "oenc", nil)
		if err != nil {
			t.Fatal(err)
		}
		var s Server
		if _, _, err := s.Respond(newHost().env(), nil, request); !errors.Is(err, c.want) {
			t.Errorf("age %v: %v, want %v", c.age, err, c.want)
		}
	}
}

func TestTimestampBeyondTheClockIsStale_11_6(t *testing.T) {
	m := wire.OAP{Timestamp: 1<<64 - 1}
	var s Server
	if _, _, err := s.Respond(newHost().env(), nil, m.Append(nil)); !errors.Is(err, core.ErrAuth) {
		t.Error(err)
	}
}

func TestRepeatedRequestIsRefusedWithinTheWindow_11_6(t *testing.T) {
	h := newHost()
	var s Server
	_, request, _ := NewRequest(h.env(), "oenc", nil)
	if _, _, err := s.Respond(h.env(), nil, request); err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Duration{0, time.Second, 20 * time.Second, 21 * time.Second, time.Hour} {
		h.wall = epoch + int64(at)
		if _, _, err := s.Respond(h.env(), nil, request); !errors.Is(err, core.ErrAuth) {
			t.Errorf("after %v: %v", at, err)
		}
	}
}

func TestReplayListForgetsAndIsBounded_11_6(t *testing.T) {
	h := newHost()
	var s Server
	for i := range 3 * MaxReplay {
		h.wall += int64(time.Millisecond)
		m := wire.OAP{Timestamp: uint64(h.wall)}
		m.ID[0], m.ID[1], m.ID[2] = byte(i), byte(i>>8), byte(i>>16)
		if _, _, err := s.Respond(h.env(), nil, m.Append(nil)); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	if n := len(s.replay.seen); n > 20_200 {
		t.Errorf("%d requests kept after 20 s at 1000 a second", n)
	}
	if cap(s.replay.order) > 2*MaxReplay {
		t.Errorf("the list has room for %d", cap(s.replay.order))
	}
	for i := range 2 * MaxReplay {
		m := wire.OAP{Timestamp: uint64(h.wall)}
		m.ID[3], m.ID[4], m.ID[5] = byte(i), byte(i>>8), byte(i>>16)
		if _, _, err := s.Respond(h.env(), nil, m.Append(nil)); err != nil {
			if errors.Is(err, core.ErrAgain) && len(s.replay.seen) == MaxReplay {
				return
			}
			t.Fatal(err)
		}
	}
	t.Errorf("%d requests within the window", len(s.replay.seen))
}

func TestOtherAlgorithmsAreRefusedByName_11_4(t *testing.T) {
	for _, c := range []struct {
		m    wire.OAP
		want error
		text string
	}{
		{wire.OAP{Cipher: 901, KDF: 672, Digest: 672, Kex: make([]byte, 44)}, core.ErrCrypt, "public key"},
		{wire.OAP{Cipher: 1018}, core.ErrCrypt, "cipher chacha20-poly1305 without a key exchange"},
		{wire.OAP{Kex: []byte{1}}, core.ErrCrypt, "key exchange without a cipher"},
		{wire.OAP{Cipher: 901, Kex: []byte{1}}, core.ErrCrypt, "key exchange without a kdf"},
		{wire.OAP{KexFlags: wire.OAPKexRaw}, core.ErrAuth, "flags 0x8000"},
		{wire.OAP{Certificate: []byte{1}, Signature: []byte{2}}, core.ErrAuth, "certificate"},
		{wire.OAP{Cipher: 1}, core.ErrAuth, "unknown cipher 1"},
	} {
		c.m.Timestamp = epoch
		var s Server
		_, _, err := s.Respond(newHost().env(), nil, c.m.Append(nil))
		if !errors.Is(err, c.want) || !errors.Is(core.CodeOf(err), c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%+v: %v", c.m, err)
		}
	}
}

func TestEntropyFailureIsReported(t *testing.T) {
	dry := errors.New("dry")
	_, b, err := NewRequest(core.Env{Wall: func() int64 { return 0 }, Entropy: failing{dry}}, "oenc", nil)
	if !errors.Is(err, core.ErrCrypt) || !errors.Is(err, dry) || b != nil {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// A source of entropy that ends at any byte is an error that says so, at either side, and never a weaker key.
func TestEntropyThatEndsIsReported(t *testing.T) {
	for name, p := range pairs(t) {
		_, request, _, _ := p.messages(t)
		enough := 0
		for n := 0; enough < 2 && n < 400; n++ {
			enough = 0
			limited := func(seed byte) core.Env {
				env := system(seed)
				env.Entropy = io.LimitReader(env.Entropy, int64(n))
				return env
			}
			if _, b, err := NewRequest(limited(1), "oenc", p.client); err == nil {
				enough++
			} else if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || b != nil {
				t.Errorf("%s: request with %d bytes: %v", name, n, err)
			}
			var s Server
			if b, out, err := s.Respond(limited(2), p.server, request); err == nil {
				enough++
			} else if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || b != nil || out != (Outcome{}) {
				t.Errorf("%s: response with %d bytes: %v", name, n, err)
			}
		}
		if enough < 2 {
			t.Errorf("%s: 400 bytes are not enough", name)
		}
	}
}
