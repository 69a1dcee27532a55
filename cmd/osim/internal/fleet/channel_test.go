package fleet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"ouroboros/scenarios/experiment"
)

// frame is a message as it goes over a channel.
func frame(body string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// What one side sends the other receives; the end between two messages is io.EOF, that within one is not.
func TestChannelCarriesMessages(t *testing.T) {
	var b bytes.Buffer
	c := newChannel(&b, &b)
	news := []experiment.News{{Flow: &experiment.FlowNews{ID: 3, There: 7}}}
	if err := errors.Join(c.send(message{Hello: &hello{Version: "v", PID: 1}}), c.send(message{News: news})); err != nil {
		t.Fatal(err)
	}
	whole := bytes.Clone(b.Bytes())
	m, err := c.receive()
	if err != nil || m.Hello == nil || m.Hello.Version != "v" {
		t.Fatalf("%+v, %v", m, err)
	}
	if m, err = c.receive(); err != nil || len(m.News) != 1 || m.News[0].Flow.There != 7 {
		t.Fatalf("%+v, %v", m, err)
	}
	if _, err = c.receive(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	short := newChannel(bytes.NewReader(whole[:9]), nil)
	if _, err = short.receive(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

// What is no message is refused, and a length without bytes behind it takes no memory.
func TestChannelRefuses(t *testing.T) {
	for name, in := range map[string][]byte{
		"no JSON":        frame("hello"),
		"other protocol": frame(`{"protocol":2}`),
		"too long":       {0xff, 0xff, 0xff, 0xff},
		"cut":            append(binary.BigEndian.AppendUint32(nil, maxFrame), "{}"...),
	} {
		if _, err := newChannel(bytes.NewReader(in), nil).receive(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(frame(`{"protocol":1,"hello":{"version":"v","pid":1}}`))
	f.Add(frame(`{"protocol":1,"piece":{"halves":[{"flow":1,"source":{"rtt":{"n":1,"raw":[1]}}}],"links":[],"events":[]}}`))
	f.Add(frame(`{"protocol":1,"news":[{"member":{"layer":"net","node":"a","in":true,"addr":5}}]}`))
	f.Add([]byte{0, 0, 0, 1})
	f.Fuzz(func(_ *testing.T, in []byte) {
		c := newChannel(bytes.NewReader(in), nil)
		for {
			m, err := c.receive()
			if err != nil {
				return
			}
			if m.Piece == nil {
				continue
			}
			for _, h := range m.Piece.Halves {
				if h.Source != nil {
					_, _ = h.Source.RTT.Import()
				}
				if h.Receiver != nil {
					_, _ = h.Receiver.Delay.Import()
				}
			}
		}
	})
}
