package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/core"
)

// maxSize is the largest packet that the bare programs move.
const maxSize = 9000

// role is a program of a measurement, run as a process of its own by this binary: what it does, and over what.
//
//	benchlive role ping   udp 10.0.0.1:7000 10.0.0.2:7000 size=64 count=1000
//	benchlive role relay  local:/tmp/a.sock packet:v0:02:00:00:00:00:02
func role(args []string) error {
	if len(args) < 2 {
		return errors.New("role: a name and what it works on")
	}
	opts, places := split(args[1:])
	if kind, _ := cut(places[0], ':'); kind == "flow" || kind == "listen" {
		return inSession(args[0], places[0], opts)
	}
	ends := make([]conduit, 0, 2)
	for _, p := range places {
		c, err := open(p)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		defer c.Close()
		ends = append(ends, c)
	}
	return act(args[0], ends, opts)
}

// act does what a role does.
func act(name string, ends []conduit, opts options) error {
	switch name {
	case "echo":
		return forward(ends[0], ends[0])
	case "relay":
		return relay(ends[0], ends[1])
	case "ping":
		return ping(ends[0], opts)
	case "source":
		return source(ends[0], opts)
	case "sink":
		return sink(ends[0], opts)
	}
	return fmt.Errorf("role %q: accepted are echo, relay, ping, source, sink", name)
}

// options are the key=value words of a role, all whole numbers.
type options map[string]int

func split(args []string) (options, []string) {
	o := options{"size": 64, "count": 1000, "ms": 1000}
	var places []string
	for _, a := range args {
		if k, v, ok := cutOption(a); ok {
			o[k] = v
			continue
		}
		places = append(places, a)
	}
	return o, places
}

func cutOption(a string) (string, int, bool) {
	for i := range a {
		if a[i] == '=' {
			v, err := strconv.Atoi(a[i+1:])
			return a[:i], v, err == nil
		}
	}
	return "", 0, false
}

// open opens what a word stands for: udp:LOCAL:PORT>REMOTE:PORT, packet:DEVICE>MAC, connect:PATH or accept:PATH.
func open(word string) (conduit, error) {
	kind, rest := cut(word, ':')
	local, remote := cut(rest, '>')
	switch kind {
	case "udp":
		return openUDP(local, remote)
	case "packet":
		mac, err := net.ParseMAC(remote)
		if err != nil {
			return nil, err
		}
		return openPacket(local, mac)
	case "connect":
		return openLocal(rest)
	case "accept":
		return acceptLocal(rest)
	}
	return nil, fmt.Errorf("%q: accepted are udp, packet, connect and accept, with a colon behind them", word)
}

func cut(s string, sep byte) (before, after string) {
	for i := range len(s) {
		if s[i] == sep {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// forward copies packets until its source ends. What the kernel reports of an earlier datagram does not end it.
func forward(from, to conduit) error {
	b := make([]byte, maxSize)
	for {
		n, err := from.Read(b)
		switch {
		case passing(err):
			continue
		case err != nil || n == 0:
			return ended(err)
		}
		if _, err := to.Write(b[:n]); err != nil && !passing(err) {
			return ended(err)
		}
	}
}

func passing(err error) bool { return errors.Is(err, unix.ECONNREFUSED) }

func late(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, core.ErrTimedOut)
}

// ended takes the ends of a conversation for what they are.
func ended(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// relay is the bare daemon: both directions at once, a goroutine each.
func relay(a, b conduit) error {
	done := make(chan error, 2)
	go func() { done <- forward(a, b) }()
	go func() { done <- forward(b, a) }()
	return <-done
}

// report is what a role prints about its measurement, one line of JSON.
type report struct {
	Packets uint64        `json:"packets,omitempty"`
	Bytes   uint64        `json:"bytes,omitempty"`
	Elapsed time.Duration `json:"elapsed,omitempty"`
	RTT     time.Duration `json:"rtt,omitempty"` // median
	P99     time.Duration `json:"p99,omitempty"`
}

func (r report) print() error { return json.NewEncoder(os.Stdout).Encode(r) }

// ping sends a packet, waits for its answer, and sends the next. The first tenth is left out: caches and neighbour
// tables fill then.
func ping(c conduit, o options) error {
	out, in := make([]byte, o["size"]), make([]byte, maxSize)
	var rtts []time.Duration
	misses := 0
	count := o["count"]
	for i := 0; i < count+count/10; i++ {
		began := time.Now()
		if i%64 == 0 {
			if err := c.SetReadDeadline(began.Add(time.Second)); err != nil {
				return err
			}
		}
		if _, err := c.Write(out); err != nil && !passing(err) {
			return err
		}
		if _, err := c.Read(in); err != nil {
			if !passing(err) && !late(err) {
				return err
			}
			i = i / 64 * 64 // lost, or the other end is not there yet
			if misses++; misses > 20 {
				return fmt.Errorf("no answer: %w", err)
			}
			time.Sleep(10 * time.Millisecond)
			i--
			continue
		}
		if i >= count/10 {
			rtts = append(rtts, time.Since(began))
		}
	}
	slices.Sort(rtts)
	return report{Packets: uint64(len(rtts)), RTT: rtts[len(rtts)/2], P99: rtts[len(rtts)*99/100]}.print()
}

// source sends as fast as it can for so many ms.
func source(c conduit, o options) error {
	b := make([]byte, o["size"])
	began := time.Now()
	var r report
	for r.Elapsed < time.Duration(o["ms"])*time.Millisecond {
		for range 64 {
			if _, err := c.Write(b); err != nil && !passing(err) {
				return err
			}
			r.Packets++
		}
		r.Elapsed = time.Since(began)
	}
	r.Bytes = r.Packets * uint64(len(b))
	return r.print()
}

// Patience of a sink: how long it waits for the first packet, and for a further one.
const (
	patience = 10 * time.Second
	quiet    = 300 * time.Millisecond
)

// sink counts what arrives until nothing has come for a while.
func sink(c conduit, _ options) error {
	in := make([]byte, maxSize)
	var r report
	var first, last time.Time
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for {
		n, err := c.Read(in)
		if passing(err) {
			continue
		}
		if err != nil || n == 0 {
			break
		}
		last = time.Now()
		if r.Packets == 0 {
			first = last
		}
		if r.Packets%64 == 0 {
			if err := c.SetReadDeadline(last.Add(quiet)); err != nil {
				return err
			}
		}
		r.Packets++
		r.Bytes += uint64(n)
	}
	r.Elapsed = last.Sub(first)
	return r.print()
}
