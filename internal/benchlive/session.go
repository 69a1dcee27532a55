package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/shim/host/app"
)

// inSession carries a role out over a flow of this network: the same role as over a bare socket, as a program of
// the application's world. The place is flow:NAME to ask for one, with ",QOS" and ",encrypt" behind it, or
// listen:NAME to wait for one.
func inSession(name, place string, opts options) error {
	s, err := app.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Run(context.Background(), func(b core.Blocker, a *ouroboros.App) error {
		if name == "hold" {
			return hold(a, place)
		}
		if name == "allocate" {
			return allocate(b, a, place, opts)
		}
		f, err := openFlow(a, place)
		if err != nil {
			return err
		}
		defer f.Close()
		return act(name, []conduit{flowConduit{f, b}}, opts)
	})
}

// layerOf returns the layer that a server is in. Without it, each request would first ask the Ethernet layer for
// names of the UDP layer, where the only answer to an unknown name is 200 ms of silence.
func layerOf(name string) string { return name[strings.LastIndexByte(name, '-')+1:] }

func openFlow(a *ouroboros.App, place string) (*ouroboros.Flow, error) {
	kind, rest := cut(place, ':')
	if kind == "listen" {
		l, err := a.Listen(rest)
		if err != nil {
			return nil, err
		}
		defer l.Close()
		return l.Accept()
	}
	words := strings.Split(rest, ",")
	qos := "raw"
	if len(words) > 1 {
		qos = words[1]
	}
	q, err := ouroboros.ParseQoS(qos)
	if err != nil {
		return nil, err
	}
	wishes := []ouroboros.Option{ouroboros.WithQoS(q), ouroboros.WithLayer(layerOf(words[0]))}
	if slices.Contains(words, "encrypt") {
		wishes = append(wishes, ouroboros.WithEncryption())
	}
	// The other side may have to start first: its name is not there yet then.
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		f, err := a.Dial(words[0], wishes...)
		if err == nil || time.Now().After(until) {
			return f, err
		}
	}
}

// flowConduit is a flow as a conduit.
type flowConduit struct {
	*ouroboros.Flow
	b core.Blocker
}

func (c flowConduit) Read(b []byte) (int, error) { return c.ReadMsg(b) }

func (c flowConduit) SetReadDeadline(t time.Time) error {
	c.Flow.SetReadDeadline(c.b.Now().Add(time.Until(t)))
	return nil
}

// allocate asks for count flows, one after the other, and keeps them until nothing has been heard for ms.
func allocate(b core.Blocker, a *ouroboros.App, place string, opts options) error {
	_, rest := cut(place, ':')
	name, _ := cut(rest, ',')
	first, err := openFlow(a, place)
	if err != nil {
		return err
	}
	q := first.QoS()
	flows := []*ouroboros.Flow{first}
	began := b.Now()
	for range opts["count"] {
		f, err := a.Dial(name, ouroboros.WithQoS(q), ouroboros.WithLayer(layerOf(name)))
		if err != nil {
			return fmt.Errorf("flow %d: %w", len(flows), err)
		}
		flows = append(flows, f)
	}
	r := report{Packets: uint64(opts["count"]), Elapsed: b.Now().Sub(began)}
	if err := r.print(); err != nil {
		return err
	}
	b.Sleep(time.Duration(opts["ms"]) * time.Millisecond)
	return nil
}

// hold accepts flows and keeps them until it is told to end.
func hold(a *ouroboros.App, place string) error {
	_, name := cut(place, ':')
	l, err := a.Listen(name)
	if err != nil {
		return err
	}
	for {
		_, err := l.Accept() // the session keeps it
		switch {
		case errors.Is(err, core.ErrCanceled), errors.Is(err, core.ErrIRMD), errors.Is(err, core.ErrNotAlloc):
			return nil
		case err != nil:
			return err
		}
	}
}
