package frcp

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

// talk is a conversation as testdata/*.txt writes it. A packet that an end sends is printed and stays in
// its outbox until a `pass` command takes it to the other end or loses it.
type talk struct {
	now   clock.Time
	pool  *pkt.Pool
	ends  map[string]*talker
	names []string
	out   strings.Builder
}

type talker struct {
	*Conn
	name    string
	outbox  []*pkt.Buf
	reading bool
	told    bool // that the peer has closed
}

// TestConversations runs the scripts. Each says in its first paragraph what it shows.
//
//	end name=a mode=reliable isn=12345678 [window=256] [recovery=prototype] [plain] [own]
//	send a [text=...] [n=1]     a message, n times
//	pass a b [drop=(1,3)] [order=(2,1)]   the outbox of a to b: packets 1 and 3 are lost; 2 goes first
//	inject a                    packets given in hex as input arrive at a
//	run 10ms                    time passes; timers fire
//	read a off|on               the user stops or goes on
//	close a | stats a sent acks ...
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			k := &talk{pool: pkt.NewPool(), ends: map[string]*talker{}}
			datadriven.RunTest(t, f, func(t *testing.T, d *datadriven.TestData) string {
				k.out.Reset()
				k.command(t, d)
				if k.out.Len() == 0 {
					return "nothing\n"
				}
				return shorten(k.out.String())
			})
			for _, n := range k.names {
				for _, p := range k.ends[n].outbox {
					p.Release()
				}
				k.ends[n].Release()
			}
			if n := k.pool.Live(); n != 0 {
				t.Fatalf("%d buffers leaked", n)
			}
		})
	}
}

// shorten leaves out the middle of long series of like lines.
func shorten(s string) string {
	lines := strings.SplitAfter(s, "\n")
	kind := func(l string) string {
		f := strings.Fields(l)
		return strings.Join(f[min(1, len(f)):min(4, len(f))], " ")
	}
	var out strings.Builder
	for i := 0; i < len(lines); {
		j := i
		for j < len(lines) && kind(lines[j]) == kind(lines[i]) {
			j++
		}
		if j-i <= 6 {
			out.WriteString(strings.Join(lines[i:j], ""))
		} else {
			fmt.Fprintf(&out, "%s%s... %d more\n%s", lines[i], lines[i+1], j-i-3, lines[j-1])
		}
		i = j
	}
	return out.String()
}

func (k *talk) command(t *testing.T, d *datadriven.TestData) {
	arg := func(i int) string {
		if i >= len(d.CmdArgs) {
			d.Fatalf(t, "argument %d is missing", i+1)
		}
		return d.CmdArgs[i].Key
	}
	if d.Cmd == "end" {
		k.newEnd(t, d)
		return
	}
	if d.Cmd == "run" {
		dur, err := time.ParseDuration(arg(0))
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		k.run(k.now.Add(dur))
		return
	}
	e := k.ends[arg(0)]
	if e == nil {
		d.Fatalf(t, "no end %q", arg(0))
	}
	switch d.Cmd {
	case "send":
		text, n := "x", 1
		d.MaybeScanArgs(t, "text", &text)
		d.MaybeScanArgs(t, "n", &n)
		for range n {
			p := k.pool.GetCopy(64, []byte(text))
			if err := e.Send(k.now, p); err != nil {
				k.printf(e, "refuses: %v", err)
				if errors.Is(err, core.ErrWouldBlock) {
					p.Release()
				}
				break
			}
		}
	case "pass":
		k.pass(t, d, e, k.ends[arg(1)])
	case "inject":
		for line := range strings.Lines(d.Input) {
			b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(line), " ", ""))
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			e.Recv(k.now, k.pool.GetCopy(64, b))
		}
	case "read":
		e.reading = arg(1) == "on"
	case "close":
		e.Close()
	case "stats":
		k.stats(t, d, e)
	default:
		d.Fatalf(t, "unknown command %q", d.Cmd)
	}
	k.service()
}

func (k *talk) newEnd(t *testing.T, d *datadriven.TestData) {
	var name, mode, isn string
	var p Params
	d.ScanArgs(t, "name", &name)
	d.ScanArgs(t, "mode", &mode)
	d.ScanArgs(t, "isn", &isn)
	d.MaybeScanArgs(t, "window", &p.Window)
	var recovery string
	if d.MaybeScanArgs(t, "recovery", &recovery); recovery != "" {
		if err := p.Recovery.UnmarshalText([]byte(recovery)); err != nil {
			d.Fatalf(t, "%v", err)
		}
	}
	p.PlainAcks, p.OwnPeer = d.HasArg("plain"), d.HasArg("own")
	first, err := strconv.ParseUint(isn, 16, 32)
	modes := map[string]core.Mode{"raw": core.ModeRaw, "ordered": core.ModeOrdered, "reliable": core.ModeReliable}
	m, ok := modes[mode]
	if err != nil || !ok {
		d.Fatalf(t, "isn %q, mode %q", isn, mode)
	}
	c, err := NewConn(Config{
		Params: p, Mode: m, MPL: testMPL, Headroom: 32, Pool: k.pool, Rand: rand.New(constSource(first)),
	}, k.now)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	k.ends[name] = &talker{Conn: c, name: name, reading: true}
	k.names = append(k.names, name)
}

// pass takes the outbox of an end to the other.
func (k *talk) pass(t *testing.T, d *datadriven.TestData, from, to *talker) {
	if to == nil {
		d.Fatalf(t, "no such end")
	}
	var drop, order []int
	d.MaybeScanArgs(t, "drop", &drop)
	d.MaybeScanArgs(t, "order", &order)
	box := from.outbox
	from.outbox = nil
	all := d.HasArg("drop-all")
	for i := range box {
		if len(order) <= i {
			order = append(order, i+1)
		}
	}
	lost := map[int]bool{}
	for _, i := range drop {
		lost[i] = true
	}
	for _, i := range order {
		if all || lost[i] {
			box[i-1].Release()
			continue
		}
		to.Recv(k.now, box[i-1])
		k.service()
	}
}

func (k *talk) run(until clock.Time) {
	for {
		next := clock.Never
		for _, n := range k.names {
			next = min(next, k.ends[n].Deadline())
		}
		if next > until {
			k.now = until
			return
		}
		k.now = max(k.now, next)
		for _, n := range k.names {
			if e := k.ends[n]; e.Deadline() <= k.now {
				e.Tick(k.now)
			}
		}
		k.service()
	}
}

func (k *talk) service() {
	for _, n := range k.names {
		e := k.ends[n]
		for e.reading {
			p := e.Deliver()
			if p == nil {
				break
			}
			k.printf(e, "delivers %q", p.Bytes())
			p.Release()
		}
		for p := e.Next(k.now); p != nil; p = e.Next(k.now) {
			e.outbox = append(e.outbox, p)
			k.printf(e, "sends %s", show(p.Bytes()))
		}
		if e.PeerClosed() && e.Waiting() == 0 && !e.told {
			e.told = true
			k.printf(e, "is at the end")
		}
	}
}

// show prints a packet as spec 10 §10.18 does.
func show(b []byte) string {
	if len(b) < wire.FRCPLen {
		return fmt.Sprintf("%x", b)
	}
	h := readPCI(b)
	s := fmt.Sprintf("%02x %06x %08x %08x", byte(h.Flags), h.Window, h.Seqno, h.Ackno)
	if rest := b[wire.FRCPLen:]; len(rest) > 0 {
		s += fmt.Sprintf(" %x", rest)
	}
	return s
}

func (k *talk) printf(e *talker, format string, args ...any) {
	fmt.Fprintf(&k.out, "%v %s "+format+"\n", append([]any{k.now, e.name}, args...)...)
}

func (k *talk) stats(t *testing.T, d *datadriven.TestData, e *talker) {
	s := e.Stats()
	all := map[string]any{
		"sent": s.Sent, "retransmitted": s.Retransmitted, "spurious": s.Spurious, "delivered": s.Delivered,
		"acks": s.Acks, "rdvs": s.Rdvs, "probes": s.Probes, "expiries": s.Expiries, "duplicates": s.Duplicates,
		"early": s.Early, "early-lost": s.EarlyLost, "out-of-window": s.OutOfWindow, "bad-acks": s.BadAcks,
		"out-of-order": s.OutOfOrder, "late": s.Late, "srtt": s.SRTT, "rttvar": s.RTTVar, "rto": s.RTO,
		"window": s.Window, "outstanding": s.Outstanding, "malformed": s.Malformed,
		"fins": s.Fins, "bad-fins": s.BadFins, "settled": e.Settled(), "refused": s.Refused,
	}
	for _, a := range d.CmdArgs[1:] {
		v, ok := all[a.Key]
		if !ok {
			d.Fatalf(t, "no statistic %q", a.Key)
		}
		k.printf(e, "%s %v", a.Key, v)
	}
	if e.Err() != nil {
		k.printf(e, "has failed: %v", e.Err())
	}
}
