package remote_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/irm/remote"
)

var (
	rec      = remote.Rec
	hello    = rec("hello", 0, 0, uint16(remote.Version), uint32(7), "prog")
	qosBody  = make([]byte, 30)
	allocRec = func(id uint32, name string) []byte { return rec("alloc", 0, id, qosBody, uint64(0), name, "") }
)

const theirs = 1 << 31

// raw is a peer that sends what it likes, in place of a client or a server.
type raw struct {
	*pipe
	got   []byte
	ended bool
}

func (p *raw) Receive(m []byte) { p.got = append(p.got, m...) }
func (p *raw) Writable()        {}
func (p *raw) Closed(error)     { p.ended = true }
func (p *raw) say(msgs ...[]byte) {
	for _, m := range msgs {
		_ = p.Send(m)
	}
}

// intrude connects a raw peer in place of an application.
func (r *rig) intrude() (*raw, *application) {
	a := &application{env: r.w.Node("intruder")}
	a.near, a.far = newPipe(a.env, r.env, 100)
	p := &raw{pipe: a.near}
	a.near.Attach(p)
	r.do(func() {
		a.server = remote.NewServer(r.env, a.far, remote.Config{
			Attach: func(h remote.Hello) (core.Allocator, func(), error) {
				if h.Program == "bad" {
					return nil, nil, core.ErrPerm
				}
				return r.broker, nil, nil
			},
			Ended: func(err error) { a.why, a.ended = err, true },
		})
	})
	return p, a
}

// A record that breaks the protocol ends the connection of who has sent it, is counted, and says what is wrong;
// others do not notice.
func TestMalformedRecordsOfAnApplication(t *testing.T) {
	data := rec("data", 0, 0, []byte("x"))
	accepted := [][]byte{hello, rec("listen", 0, 0, "srv")}
	for what, c := range map[string]struct {
		msgs [][]byte
		want string
	}{
		"no hello":                {[][]byte{allocRec(0, "x")}, "where a hello is due"},
		"half a hello":            {[][]byte{rec("hello", 0, 0, uint16(remote.Version))}, "where a hello is due"},
		"two hellos":              {[][]byte{hello, hello}, "not from an application"},
		"half a header":           {[][]byte{hello, {1, 2, 3}}, "3 bytes"},
		"a body that is cut":      {[][]byte{hello, {12, 0, 0, 9, 0, 0, 0, 0, 1}}, "9 bytes in a message that has 1"},
		"an unknown kind":         {[][]byte{hello, {200, 0, 0, 0, 0, 0, 0, 0}}, "200: not from"},
		"kind 0":                  {[][]byte{hello, make([]byte, 8)}, "0: not from"},
		"a flag that is not":      {[][]byte{hello, rec("data", 1, 0)}, "flags 0x1"},
		"a record of a server":    {[][]byte{hello, rec("welcome", 0, 0, uint16(1))}, "not from an application"},
		"data of no flow":         {[][]byte{hello, data}, "flow 0x0 does not exist"},
		"data before it is open":  {[][]byte{hello, append(allocRec(0, "x"), data...)}, "is not open"},
		"a flow twice":            {[][]byte{hello, append(allocRec(0, "x"), allocRec(0, "x")...)}, "exists"},
		"a number out of range":   {[][]byte{hello, allocRec(remote.MaxFlows, "x")}, "beyond"},
		"a number of the server":  {[][]byte{hello, allocRec(theirs, "x")}, "exists, or is beyond"},
		"a cut alloc":             {[][]byte{hello, rec("alloc", 0, 0, qosBody)}, "alloc: a body of 30 bytes"},
		"a long name":             {[][]byte{hello, allocRec(0, strings.Repeat("x", 256))}, "alloc: a body"},
		"a negative time-out":     {[][]byte{hello, rec("alloc", 0, 0, qosBody, uint64(1<<63), "x", "")}, "alloc: a body"},
		"a longer join":           {[][]byte{hello, rec("join", 0, 0, "layer", uint8(1))}, "join: a body"},
		"an accept of nothing":    {[][]byte{hello, rec("accept", 0, theirs)}, "does not exist"},
		"an accept of its own":    {[][]byte{hello, append(allocRec(0, "x"), rec("accept", 0, 0)...)}, "was not offered"},
		"credit without need":     {[][]byte{hello, append(allocRec(0, "x"), rec("credit", 0, 0, uint32(1), uint32(0), uint32(0))...)}, "is not open"},
		"a listener twice":        {append(accepted, rec("listen", 0, 0, "x")), "exists"},
		"a listener out of range": {[][]byte{hello, rec("listen", 0, remote.MaxListens, "x")}, "is beyond"},
		"unlisten of nothing":     {[][]byte{hello, rec("unlisten", 0, 3)}, "unlisten: listener 3"},
		"unlisten twice":          {append(accepted, rec("unlisten", 0, 0), rec("unlisten", 0, 0)), "unlisten: listener 0"},
		"a cut end":               {[][]byte{hello, append(allocRec(0, "x"), rec("end", 0, 0, uint32(0))...)}, "end: flow 0x0"},
		"end twice":               {[][]byte{hello, append(allocRec(0, "x"), append(rec("end", 0, 0, uint32(0), "", uint64(0)), rec("end", 0, 0, uint32(0), "", uint64(0))...)...)}, "does not exist"},
	} {
		t.Run(what, func(t *testing.T) {
			r := newRig(t, 10)
			x, y := r.flow(r.connect("a", 50), r.connect("b", 50), "flow", core.QoSRaw)
			p, a := r.intrude()
			r.do(func() { p.say(c.msgs...) })
			r.run(time.Millisecond)
			m := (*remote.Malformed)(nil)
			if !a.ended || !errors.As(a.why, &m) || !strings.Contains(a.why.Error(), c.want) || a.server.Stats().Malformed != 1 {
				t.Errorf("ended %v: %v, counted %d; want %q", a.ended, a.why, a.server.Stats().Malformed, c.want)
			}
			if !p.ended {
				t.Error("the connection stands")
			}
			r.do(func() { x.write(100) })
			if y.read != 1 {
				t.Error("a flow of others has noticed")
			}
			r.tidy()
		})
	}
}

// open has the intruder hold a flow, with its number, to another application.
func (r *rig) openIntruder() (p *raw, a *application, peer *user) {
	peer = &user{r: r}
	b := r.connect("b", 50)
	r.do(func() {
		b.ListenLater("srv", func(in core.Incoming) { core.Accept(in, peer.take) }, func(error) {})
	})
	p, a = r.intrude()
	r.do(func() { p.say(hello, allocRec(0, "srv")) })
	r.run(time.Second)
	if peer.f == nil || a.ended {
		r.t.Fatalf("the flow does not stand: %v", a.why)
	}
	return p, a, peer
}

// Nobody sends beyond the credit that it has, or claims more than there is.
func TestCreditIsNotExceeded(t *testing.T) {
	t.Run("packets", func(t *testing.T) {
		r := newRig(t, 2)
		p, a, peer := r.openIntruder()
		r.do(func() { peer.receive(false) })
		for range 2*remote.Window/60_000 + 8 {
			r.do(func() { p.say(rec("data", 0, 0, make([]byte, 60_000))) })
		}
		if a.ended == false || !strings.Contains(a.why.Error(), "beyond its credit") {
			t.Errorf("ended %v: %v", a.ended, a.why)
		}
		r.tidy()
	})
	t.Run("credit", func(t *testing.T) {
		r := newRig(t, 2)
		p, a, _ := r.openIntruder()
		r.do(func() { p.say(rec("credit", 0, 0, uint32(1), uint32(0), uint32(0))) })
		if !a.ended || !strings.Contains(a.why.Error(), "are the most") {
			t.Errorf("ended %v: %v", a.ended, a.why)
		}
		r.tidy()
	})
	t.Run("credit in small coin", func(t *testing.T) {
		r := newRig(t, 2)
		p, a, _ := r.openIntruder()
		r.do(func() { p.say(rec("credit", 0, 0, uint32(0), uint32(1), uint32(0))) })
		if !a.ended {
			t.Error("packets that an application cannot count are counted")
		}
		r.tidy()
	})
}

// An application that asks and never reads is cut off before it costs much.
func TestAnApplicationThatNeverReadsIsCutOff(t *testing.T) {
	r := newRig(t, 10)
	p, a := r.intrude()
	r.do(func() { p.say(hello); p.stick(true) })
	r.run(time.Millisecond)
	ask, enough := []byte{}, []byte{}
	for i := range uint32(200) { // the answer to each has the name in it
		ask = append(ask, rec("join", 0, i, strings.Repeat("x", 250))...)
		enough = append(enough, rec("end", 0, i, uint32(0), "", uint64(0))...)
	}
	most := 0
	for ; most < 1000 && !a.ended; most++ {
		r.do(func() { p.say(ask) })
		r.do(func() { p.say(enough) })
	}
	if !a.ended || !strings.Contains(a.why.Error(), "does not read") {
		t.Errorf("after %d messages: ended %v: %v", most, a.ended, a.why)
	}
	r.tidy()
}

// Who speaks another version is told so, and who is refused is told why.
func TestRefusedApplications(t *testing.T) {
	for want, msg := range map[string][]byte{
		"the program has version 9 of the protocol, the daemon has 1": rec("hello", 0, 0, uint16(9), []byte("something new")),
		"not permitted": rec("hello", 0, 0, uint16(remote.Version), uint32(1), "bad"),
	} {
		r := newRig(t, 10)
		p, a := r.intrude()
		r.do(func() { p.say(msg) })
		if !a.ended || a.why != nil || !p.ended || !strings.Contains(string(p.got), want) {
			t.Errorf("ended %v with %v, the application was sent %q, want %q", a.ended, a.why, p.got, want)
		}
		r.tidy()
	}
	r := newRig(t, 10)
	_, a := r.intrude()
	if r.run(10 * time.Second); !a.ended || !strings.Contains(a.why.Error(), "no hello within 5s") {
		t.Errorf("silence: ended %v: %v", a.ended, a.why)
	}
	r.tidy()
}

// A broker that breaks the protocol is no broker any more.
func TestMalformedRecordsOfABroker(t *testing.T) {
	welcome := rec("welcome", 0, 0, uint16(remote.Version))
	open := rec("open", 0, 0, uint32(1500), uint32(0), uint32(0), qosBody, uint64(0), uint64(0), uint64(0), uint64(1), uint16(0),
		"layer", "", uint32(1000), uint32(0), uint64(0))
	end := rec("end", 0, 0, uint32(1007), "")
	credit := func(n uint32) []byte { return rec("credit", 0, 0, uint32(10), n, uint32(0)) }
	for what, c := range map[string]struct {
		msgs [][]byte
		want string
	}{
		"another version":           {[][]byte{rec("welcome", 0, 0, uint16(2))}, "version 2"},
		"welcome twice":             {[][]byte{welcome, welcome}, "welcome"},
		"a record of a client":      {[][]byte{hello}, "not from a broker"},
		"refused without a reason":  {[][]byte{rec("refuse", 0, 0, uint32(0), "")}, "not from a broker"},
		"data of no flow":           {[][]byte{rec("data", 0, 5, []byte("x"))}, "flow 0x5 does not exist"},
		"data before it is open":    {[][]byte{rec("data", 0, 0, []byte("x"))}, "not open"},
		"opened twice":              {[][]byte{append(open, open...)}, "was not asked for"},
		"a cut open":                {[][]byte{rec("open", 0, 0, uint32(1))}, "open: a body"},
		"a headroom of a gigabyte":  {[][]byte{rec("open", 0, 0, uint32(1500), uint32(1<<30), uint32(0), qosBody, uint64(0), uint64(0), uint64(0), uint64(1), uint16(0), "layer", "", uint32(1), uint32(0), uint64(0))}, "open: a body"},
		"keys that are not there":   {[][]byte{rec("open", 1, 0, open[8:])}, "open: a body"},
		"credit for nothing":        {[][]byte{append(open, credit(1)...)}, "credit: 1 packets of 0"},
		"data after the end":        {[][]byte{append(append(open, end...), rec("data", 0, 0, []byte("x"))...)}, "has ended"},
		"end twice":                 {[][]byte{append(append(open, end...), end...)}, "end: flow"},
		"an error that is none":     {[][]byte{rec("end", 0, 0, uint32(1<<31+1), "")}, "end: flow"},
		"listening of nothing":      {[][]byte{rec("listening", 0, 9)}, "listener 9 does not exist"},
		"a request for nobody":      {[][]byte{rec("incoming", 0, theirs, uint32(9), qosBody, "x")}, "for listener 9"},
		"a request with our number": {[][]byte{rec("incoming", 0, 1, uint32(0), qosBody, "x")}, "incoming: flow 0x1"},
		"a state with a body":       {[][]byte{append(open, rec("state", 1, 0, uint8(1))...)}, "state: a body"},
		"a cut report":              {[][]byte{append(open, rec("report", 0, 0, uint32(1))...)}, "report: a body"},
		"packets without end":       {[][]byte{open, rec("data", 0, 0, make([]byte, 65_500)), rec("data", 0, 0, make([]byte, 65_500)), rec("data", 0, 0, make([]byte, 1))}, "beyond its credit"},
	} {
		t.Run(what, func(t *testing.T) {
			r := newRig(t, 10)
			env := r.w.Node("app")
			near, far := newPipe(env, r.env, 100)
			p := &raw{pipe: far}
			far.Attach(p)
			u := &user{r: r}
			var lost error
			var cl *remote.Client
			r.do(func() {
				cl = remote.NewClient(env, near, remote.Hello{})
				cl.Lost(func(err error) { lost = err })
				cl.ListenLater("x", func(core.Incoming) {}, func(error) {})
				cl.Alloc(core.Request{Name: "x"}, func(f core.Flow, err error) {
					if u.take(f, err); err == nil {
						f.SetReceive(false)
					}
				})
			})
			for _, m := range c.msgs {
				r.do(func() { p.say(m) })
			}
			m := (*remote.Malformed)(nil)
			if !errors.Is(lost, core.ErrIRMD) || !errors.As(lost, &m) || !strings.Contains(lost.Error(), c.want) {
				t.Errorf("lost %v, want %q", lost, c.want)
			}
			r.do(func() {
				if u.f != nil {
					u.close()
				}
			})
			r.tidy()
		})
	}
}

// Requests that an application does not answer are bounded; one that it leaves behind is refused at once.
func TestRequestsThatNobodyAnswers(t *testing.T) {
	r := newRig(t, 10)
	p, a := r.intrude()
	r.do(func() { p.say(hello, rec("listen", 0, 0, "srv")) })
	var answers []error
	r.do(func() {
		for range remote.MaxOffered + 20 {
			r.broker.Alloc(core.Request{Name: "srv", QoS: core.QoSRaw}, func(_ core.Flow, err error) { answers = append(answers, err) })
		}
	})
	r.run(time.Millisecond)
	if len(answers) != 20 || a.server.Flows() != remote.MaxOffered {
		t.Errorf("%d requests were refused, %d wait", len(answers), a.server.Flows())
	}
	for _, err := range answers {
		if !errors.Is(err, core.ErrAgain) {
			t.Errorf("refused with %v", err)
		}
	}
	r.do(p.Close)
	r.run(time.Millisecond)
	if len(answers) != remote.MaxOffered+20 || !errors.Is(answers[20], core.ErrName) {
		t.Errorf("after the end of the application %d were answered", len(answers))
	}
	r.tidy()
}
