package fa

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"ouroboros/core"
	"ouroboros/core/wire"
)

// TestConversations replays testdata/*.txt: what the flow allocator of member 7 does with calls of its
// system and messages of members 200 and 201. Time stands before each event. Own endpoint ids are E0, E1
// and so on. Run with -rewrite after a change that is meant.
//
// A file may begin with the parts that are not the defaults:
//
//	setup
//	shaping NAME KEY=VALUE..., admission NAME KEY=VALUE..., cube on, skip on (of unreachable addresses)
//
// Then come the events:
//
//	name x 200 201    the directory lists x at these addresses
//	alloc x           the system asks for a flow; cancel gives the last request up
//	request SRC SEID NAME, reply E SEID RESPONSE, update E LEVEL, data E TEXT   a packet arrives
//	accept N, refuse N CODE   the system answers request N
//	write U TEXT, receive U on|off, close U WAIT   what user U does with its flow
//	pause D           the congestion policy wants a pause of D before each packet
//	congested on|off  the congestion policy wants reports sent
//	full on|off       the N-1 flow takes nothing; off calls Writable
//	qos Q             the next requests ask for raw, voice, video or a number of bit/s
//	deaf              nobody takes requests any more
//	leave             the member leaves the layer
//	run D             time passes
//	stats
func TestConversations(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var b *bench
		parts := setup{queue: 3}
		datadriven.RunTest(t, path, func(_ *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "setup" {
				parts.read(t, d.Input)
				return ""
			}
			if b == nil {
				b = newBenchWith(t, parts)
			}
			b.log.Reset()
			for _, line := range strings.Split(d.Input, "\n") {
				b.do(t, strings.Fields(line))
			}
			return b.log.String()
		})
	})
}

// read takes the parts of a bench from the lines of a setup.
func (s *setup) read(t *testing.T, lines string) {
	t.Helper()
	for _, line := range strings.Split(lines, "\n") {
		w := strings.Fields(line)
		p := policyOf{name: w[1]}
		for _, kv := range w[2:] {
			k, v, _ := strings.Cut(kv, "=")
			n, err := strconv.ParseFloat(v, 64)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if p.params == nil {
				p.params = map[string]any{}
			}
			p.params[k] = n
		}
		switch w[0] {
		case "shaping":
			s.shaping = p
		case "admission":
			s.admission = p
		case "cube":
			s.cube = p.name == "on"
		case "skip":
			s.skip = p.name == "on"
		default:
			t.Fatalf("%q is no part", line)
		}
	}
}

// do carries out one line.
func (b *bench) do(t *testing.T, w []string) {
	t.Helper()
	arg := func(i int) string {
		if i >= len(w) {
			t.Fatalf("%q: an argument is missing", w)
		}
		return w[i]
	}
	num := func(i int) uint64 {
		n, err := strconv.ParseInt(arg(i), 0, 64)
		if err != nil {
			t.Fatalf("%q: %v", w, err)
		}
		return uint64(n)
	}
	span := func(i int) time.Duration {
		d, err := time.ParseDuration(arg(i))
		if err != nil {
			t.Fatalf("%q: %v", w, err)
		}
		return d
	}
	eid := func(i int) uint64 {
		if s, ok := strings.CutPrefix(arg(i), "E"); ok {
			n, err := strconv.Atoi(s)
			if err != nil || n >= len(b.ids) {
				t.Fatalf("%q: endpoint id %s", w, arg(i))
			}
			return b.ids[n]
		}
		return num(i)
	}
	switch arg(0) {
	case "name":
		for i := 2; i < len(w); i++ {
			b.names.Add(core.SHA3_256.Sum(core.Name(w[1])), num(i))
		}
	case "alloc":
		b.alloc(core.Name(arg(1)))
	case "cancel":
		b.undo()
	case "request":
		b.request(num(1), num(2), core.Name(arg(3)))
	case "reply":
		b.message(wire.FA{REID: eid(1), SEID: num(2), Response: int32(num(3)), Code: wire.FlowReply}, "", "yes")
	case "update":
		b.message(wire.FA{REID: eid(1), ECE: uint16(num(2)), Code: wire.FlowUpdate}, "", "")
		b.note("the policy has heard %v", b.pace.heard)
	case "data":
		b.arrive(eid(1), []byte(arg(2)))
	case "accept", "refuse":
		code := core.Code(0)
		if w[0] == "refuse" {
			code = core.Code(num(2))
		}
		f, err := b.reqs[num(1)].Respond(code, []byte("ok"))
		if b.note("answered: flow %v, error %v", f != nil, err); f != nil {
			b.use(f)
		}
	case "write":
		if err := b.users[num(1)].write(arg(2)); err != nil {
			b.note("write: %v", err)
		}
	case "receive":
		b.users[num(1)].flow.SetReceive(arg(2) == "on")
	case "close":
		b.users[num(1)].flow.Close(span(2))
	case "pause":
		b.pace.wait = span(1)
	case "congested":
		b.pace.report = arg(1) == "on"
	case "full":
		if b.below.full = arg(1) == "on"; !b.below.full {
			b.below.sink.Writable()
		}
	case "qos":
		switch arg(1) {
		case "raw":
			b.qos = core.QoSRaw
		case "voice":
			b.qos = core.QoSVoice
		case "video":
			b.qos = core.QoSVideo
		default:
			b.qos = core.QoS{Bandwidth: num(1), Delay: core.DontCare, MaxGap: core.DontCare}
		}
	case "deaf":
		b.fa.OnRequest(nil)
	case "leave":
		b.fa.Close()
	case "run":
		b.run(span(1))
	case "stats":
		st := b.fa.Stats()
		fmt.Fprintf(&b.log, "requests %d repeated %d replies %d updates %d retries %d bad %d unknown %d overload %d unanswered %d not admitted %d\n",
			st.Requests, st.Repeated, st.Replies, st.Updates, st.Retries, st.BadMessage, st.UnknownFlow, st.Overload,
			st.Unanswered, st.NotAdmitted)
		b.fa.Flows(func(f FlowInfo) {
			fmt.Fprintf(&b.log, "flow %s to %d %s: sent %d failed %d received %d dropped %d updates %d/%d paused %v shaped %v policed %d queued %d\n",
				b.id(f.EID), f.Remote, b.id(f.RemoteEID), f.Stats.Sent, f.Stats.SendFailed, f.Stats.Received, f.Stats.ReceiveFailed,
				f.Stats.UpdatesSent, f.Stats.UpdatesReceived, f.Stats.Paused, f.Stats.Shaped, f.Stats.Policed, f.Queued)
		})
	default:
		t.Fatalf("unknown command %q", w)
	}
}
