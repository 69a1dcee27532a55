package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

const opingMD5 = "7862c6fec5ecaef4aa2e3934725e23b3"

// The datagrams of spec 01 §5.7, client EID 64, server EID 70.
const (
	udpRequest = `00000000 00000040 00000000 00000000 0000000000000000 ffffffff 00000001 00000001
		ffffffff 0001d4c0 01 00 00 ` + opingMD5
	udpReply = `00000000 00000040 00000046 00000000 0000000000000000 00000000 00000000 00000000
		00000000 00000000 02 00 00`
	udpRefusal = `00000000 00000040 00000046 ffffffff 0000000000000000 00000000 00000000 00000000
		00000000 00000000 02 00 00`
)

func TestUDPWorkedExamples_01_5_7(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		msg       UDPMessage
	}{
		{"request", udpRequest, UDPMessage{
			Code: UDPFlowRequest, SEID: 64, Loss: 1, BER: 1, MaxGap: 1<<32 - 1, Delay: 1<<32 - 1,
			Timeout: 120000, Digest: dixHex(t, opingMD5),
		}},
		{"reply", udpReply, UDPMessage{Code: UDPFlowReply, SEID: 64, DEID: 70}},
		{"refusal", udpRefusal, UDPMessage{Code: UDPFlowReply, SEID: 64, DEID: 70, Response: -1}},
	} {
		want := dixHex(t, c.hex)
		got := make([]byte, c.msg.Len())
		c.msg.Put(got)
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", c.name, got, want)
		}
		m, err := ParseUDPMessage(want)
		if err != nil || UDPEID(want) != UDPManagementEID {
			t.Fatalf("%s: EID %d, %v", c.name, UDPEID(want), err)
		}
		again := make([]byte, m.Len())
		m.Put(again)
		if !bytes.Equal(again, want) {
			t.Errorf("%s: parsed and written again: %x", c.name, again)
		}
	}
	data := append(make([]byte, UDPHeaderLen), "hello"...)
	PutUDPEID(data, 70)
	if want := dixHex(t, `00000046 68656c6c6f`); !bytes.Equal(data, want) {
		t.Errorf("data %x, want %x", data, want)
	}
}

// Every field stands where the table of spec 01 §5.3 says.
func TestUDPMessageFields_01_5_3(t *testing.T) {
	m, err := ParseUDPMessage(dixHex(t, `00000000 00000001 00000002 fffffffd 0000000000000004 00000005 00000006
		00000007 00000008 00000009 01 0a 0b `+opingMD5+` 0c0d`))
	if err != nil {
		t.Fatal(err)
	}
	if m.SEID != 1 || m.DEID != 2 || m.Response != -3 || m.Bandwidth != 4 || m.Delay != 5 || m.Loss != 6 || m.BER != 7 ||
		m.MaxGap != 8 || m.Timeout != 9 || m.Availability != 10 || m.InOrder != 11 || string(m.Piggyback) != "\x0c\x0d" {
		t.Errorf("%+v", m)
	}
}

func TestUDPMessageShorterThanItsFieldsIsAnError_01_5_2(t *testing.T) {
	req := dixHex(t, udpRequest)
	for n := range req {
		if _, err := ParseUDPMessage(req[:n]); !errors.Is(err, ErrUDPShort) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestUnknownUDPCodeIsAnError_01_5_3(t *testing.T) {
	for _, code := range []byte{0, 3, 255} {
		b := dixHex(t, udpRequest)
		b[44] = code
		if _, err := ParseUDPMessage(b); !errors.Is(err, ErrUDPCode) || !strings.Contains(err.Error(), "code ") {
			t.Errorf("code %d: %v", code, err)
		}
	}
}

// FuzzUDPMessage holds that whatever parses is written back the same, and that nothing panics.
func FuzzUDPMessage(f *testing.F) {
	for _, s := range []string{udpRequest, udpReply, udpRefusal} {
		f.Add(dixHex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseUDPMessage(b)
		if err != nil {
			return
		}
		again := make([]byte, m.Len())
		m.Put(again)
		if !bytes.Equal(again[UDPHeaderLen:], b[UDPHeaderLen:m.Len()]) {
			t.Errorf("%x became %x", b, again)
		}
	})
}
