package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// The messages of spec 11 §11.9.
const (
	oapPlainRequest = `101112131415161718191a1b1c1d1e1f 1896a1bf33fe5400 0000 0000 0000 0000 0000 0000`
	oapKeyRequest   = `101112131415161718191a1b1c1d1e1f 1896a1bf33fe5400 0385 02a0 02a0 0000 002c 0000
		302a300506032b656e032100 07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c`
	oapKeyResponse = `101112131415161718191a1b1c1d1e1f 1896a1bf342c1ac0 0385 02a0 02a0 0000 002c 0000
		302a300506032b656e032100493e82fc74464a59268817623d2053c5eb8e2cc4a988b4fee179ec6b010d531d
		1f1e051d43e0acd3c08d4a530c48668eb668329b6568f8233c9791b64efe518b`
)

func TestOAPExamplesRoundTrip_11_9(t *testing.T) {
	for _, c := range []struct {
		hex     string
		hashLen int
		kex     int
		cipher  string
	}{
		{oapPlainRequest, 0, 0, ""},
		{oapKeyRequest, 0, 44, "aes-256-gcm"},
		{oapKeyResponse, 32, 44, "aes-256-gcm"},
	} {
		b := dixHex(t, c.hex)
		m, err := ParseOAP(b, c.hashLen)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Kex) != c.kex || OAPCipherName(m.Cipher) != c.cipher || len(m.RequestHash) != c.hashLen || len(m.Signature) != 0 {
			t.Errorf("%+v", m)
		}
		if got := m.Append(nil); !bytes.Equal(got, b) || m.Len() != len(b) {
			t.Errorf("written again: %x", got)
		}
	}
}

func TestOAPDecodeFailures_11_2(t *testing.T) {
	put := func(at int, v ...byte) []byte {
		b := dixHex(t, oapPlainRequest)
		copy(b[at:], v)
		return b
	}
	for name, c := range map[string]struct {
		b       []byte
		hashLen int
		text    string
	}{
		"short":             {put(0)[:35], 0, "35 bytes"},
		"cipher":            {put(24, 0, 1), 0, "unknown cipher 1"},
		"kdf":               {put(26, 0, 1), 0, "unknown kdf 1"},
		"digest":            {put(28, 0, 1), 0, "unknown digest 1"},
		"certificate":       {put(30, 0, 1), 0, "36 bytes, its fields have 37"},
		"kex":               {put(32, 0x80, 1), 0, "36 bytes, its fields have 37"},
		"data":              {put(34, 0, 1), 0, "36 bytes, its fields have 37"},
		"no hash":           {put(0), 48, "36 bytes, its fields have 84"},
		"bytes behind":      {append(put(0), 0), 0, "1 bytes behind"},
		"bytes behind hash": {append(put(0), make([]byte, 49)...), 48, "1 bytes behind"},
	} {
		if _, err := ParseOAP(c.b, c.hashLen); !errors.Is(err, ErrOAP) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOAPSignatureIsTheRestOfACertifiedMessage_11_2(t *testing.T) {
	m := OAP{Certificate: []byte{1, 2}, Kex: []byte{3}, KexFlags: OAPKexRaw | OAPKexClient, Data: []byte{4}, Signature: []byte{5, 6, 7}}
	got, err := ParseOAP(m.Append(nil), 0)
	if err != nil || !bytes.Equal(got.Signature, m.Signature) || got.KexFlags != m.KexFlags || !bytes.Equal(got.Data, m.Data) {
		t.Errorf("%+v, %v", got, err)
	}
}

// FuzzOAP holds that whatever parses is written back the same.
func FuzzOAP(f *testing.F) {
	f.Add(dixHex(f, oapPlainRequest), uint8(0))
	f.Add(dixHex(f, oapKeyRequest), uint8(0))
	f.Add(dixHex(f, oapKeyResponse), uint8(32))
	f.Fuzz(func(t *testing.T, b []byte, hashLen uint8) {
		m, err := ParseOAP(b, int(hashLen))
		if err != nil {
			return
		}
		if got := m.Append(nil); !bytes.Equal(got, b) {
			t.Errorf("%x became %x", b, got)
		}
	})
}
