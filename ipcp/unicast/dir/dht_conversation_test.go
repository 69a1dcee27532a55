package dir

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// talk is one machine, of the member with address 1 and identifier 00, in the hands of a script.
type talk struct {
	t       *testing.T
	now     core.Time
	d       *DHT
	posts   []func()
	last    map[uint64]message // the last request sent to an address
	cancel  func()
	log     strings.Builder
	queries int
}

// TestConversations replays testdata/*.txt: what a member does with calls and messages. Identifiers and
// digests are written by their leading bytes in hex, the others being zero; a member by its address and
// identifier, as 5/80. Run with -rewrite after a change that is meant.
//
//	config NAME=VALUE ...   a new machine with these parameters; address 1, identifier 00
//	join ADDR, met ADDR
//	register KEY, unregister KEY, query KEY, cancel, stop, address ADDR
//	find-node MEMBER KEY, find-value MEMBER KEY, store MEMBER KEY ADDR SECONDS   a message arrives
//	answer MEMBER [MEMBER ...] [=ADDR ...]   answers the last request to MEMBER with contacts and values
//	run D                   time passes
//	database, contacts
func TestConversations(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		b := &talk{t: t}
		datadriven.RunTest(t, path, func(t *testing.T, td *datadriven.TestData) string {
			b.t = t
			b.log.Reset()
			for _, line := range strings.Split(td.Input, "\n") {
				b.do(strings.Fields(line))
			}
			return b.log.String()
		})
	})
}

func (b *talk) start(args []string) {
	params := map[string]any{}
	for _, a := range args {
		name, v, _ := strings.Cut(a, "=")
		if n, err := strconv.Atoi(v); err == nil {
			params[name] = n
		} else {
			params[name] = v
		}
	}
	c, err := Policies(nil).Choose("dht", params)
	if err != nil {
		b.t.Fatal(err)
	}
	b.now, b.last, b.posts = 0, map[uint64]message{}, nil
	b.d = newDHT(
		func(fn func()) { b.posts = append(b.posts, fn) },
		func() int64 { return memEpoch*1e9 + int64(b.now) },
		rand.New(rand.NewPCG(1, 1)), c.Config().(*DHTConfig),
	)
	b.d.SetAddress(0, 1)
	b.d.self = contactOf(string(b.key("00")), 1)
	b.d.table.reset(b.d.self, b.d.cfg.K)
}

func (b *talk) key(s string) core.Hash {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) > 32 {
		b.t.Fatalf("%q is no key", s)
	}
	return core.Hash(append(raw, make([]byte, 32-len(raw))...))
}

func (b *talk) num(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *talk) member(s string) contact {
	addr, id, _ := strings.Cut(s, "/")
	return contactOf(string(b.key(id)), b.num(addr))
}

func short(h core.Hash) string {
	s := strings.TrimRight(h.String(), "0")
	for len(s) < 2 || len(s)%2 != 0 {
		s += "0"
	}
	return s
}

func (b *talk) do(w []string) {
	arg := func(i int) string {
		if i >= len(w) {
			b.t.Fatalf("%q: an argument is missing", w)
		}
		return w[i]
	}
	in := func(m message) { b.d.Recv(b.now, m.append(nil)) }
	switch arg(0) {
	case "config":
		b.start(w[1:])
	case "join":
		b.d.Join(b.now, b.num(arg(1)))
	case "met":
		b.d.Met(b.now, b.num(arg(1)))
	case "register":
		if err := b.d.Register(b.now, b.key(arg(1))); err != nil {
			b.note("error: %v", err)
		}
	case "unregister":
		b.d.Unregister(b.now, b.key(arg(1)))
	case "query":
		n := b.queries
		b.queries++
		b.cancel = b.d.Query(b.now, b.key(arg(1)), func(addrs []uint64) { b.note("query %d answered: %v", n, addrs) })
	case "cancel":
		b.cancel()
	case "stop":
		b.d.Stop(b.now)
	case "address":
		b.d.SetAddress(b.now, b.num(arg(1)))
	case "find-node":
		in(message{code: codeFindNodeReq, src: b.member(arg(1)), key: b.key(arg(2)), cookie: 77})
	case "find-value":
		in(message{code: codeFindValueReq, src: b.member(arg(1)), key: b.key(arg(2)), cookie: 77})
	case "store":
		exp := memEpoch + int64(b.now)/1e9 + int64(b.num(arg(4)))
		in(message{code: codeStore, src: b.member(arg(1)), key: b.key(arg(2)), values: []string{addrValue(b.num(arg(3)))}, exp: uint32(exp)})
	case "answer":
		m := message{src: b.member(arg(1))}
		req := b.last[m.src.addr]
		m.code, m.key, m.cookie = req.code+1, req.key, req.cookie
		for _, s := range w[2:] {
			if v, ok := strings.CutPrefix(s, "="); ok {
				m.values = append(m.values, addrValue(b.num(v)))
			} else {
				m.contacts = append(m.contacts, b.member(s))
			}
		}
		in(m)
	case "run":
		d, err := time.ParseDuration(arg(1))
		if err != nil {
			b.t.Fatal(err)
		}
		b.run(b.now.Add(d))
	case "database":
		b.d.Database(func(v Value) {
			b.note("%s at %d, local %v, %d s left", short(v.Key), v.Address(), v.Local, v.Expires-memEpoch-int64(b.now)/1e9)
		})
	case "contacts":
		b.d.Contacts(func(c Contact) {
			b.note("%d/%s in bucket %d, %d failures, spare %v", c.Address, short(c.ID), c.Bucket, c.Failures, c.Spare)
		})
	default:
		b.t.Fatalf("unknown command %q", w)
	}
	b.flush()
	if b.d.Deadline() <= b.now {
		b.run(b.now)
	}
}

// flush runs what was posted and shows what is sent.
func (b *talk) flush() {
	for {
		for _, out := range b.d.Out() {
			m, why, ok := parse(out.SDU, 32)
			if !ok {
				b.t.Fatalf("sends a message that is %v", why)
			}
			what := ""
			switch m.code {
			case codeStore:
				what = fmt.Sprintf(" at %d for %d s", valueAddr(m.values[0]), int64(m.exp)-memEpoch-int64(b.now)/1e9)
			case codeFindNodeRsp, codeFindValueRsp:
				for _, c := range m.contacts {
					what += fmt.Sprintf(" %d/%s", c.addr, short(c.id))
				}
				for _, v := range m.values {
					what += fmt.Sprintf(" =%d", valueAddr(v))
				}
			default:
				b.last[out.To] = m
			}
			b.note("to %d: %v %s%s", out.To, Code(m.code), short(m.key), what)
		}
		if len(b.posts) == 0 {
			return
		}
		fn := b.posts[0]
		b.posts = b.posts[1:]
		fn()
	}
}

func (b *talk) run(until core.Time) {
	for b.d.Deadline() <= until {
		b.now = max(b.now, b.d.Deadline())
		b.d.Tick(b.now)
		if b.d.Deadline() <= b.now {
			b.t.Fatalf("due at %v again after the tick of %v", b.d.Deadline(), b.now)
		}
		b.flush()
	}
	if until != clock.Never {
		b.now = until
	}
}

func (b *talk) note(format string, args ...any) {
	fmt.Fprintf(&b.log, "%v ", time.Duration(b.now).Round(time.Millisecond))
	fmt.Fprintf(&b.log, format+"\n", args...)
}
