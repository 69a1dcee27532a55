package dir

import (
	"testing"
	"time"

	"ouroboros/core"
)

// FuzzRecv feeds a member that joins, has registered a name and looks for another with messages of any
// content, and holds that what it sends is valid and goes to others, that its tables stay in their bounds, that
// time goes on, and that it answers its query once.
func FuzzRecv(f *testing.F) {
	src := contactOf(run(0, 32), 9)
	key := core.SHA3_256.Sum("web")
	for _, m := range []message{
		{code: codeStore, src: src, key: key, values: []string{addrValue(9)}, exp: memEpoch + 5},
		{code: codeFindNodeReq, src: src, key: key, cookie: 1},
		{code: codeFindNodeRsp, src: src, key: key, cookie: 1, contacts: []contact{src}},
		{code: codeFindValueReq, src: src, key: key, cookie: 1},
		{code: codeFindValueRsp, src: src, key: key, cookie: 1, contacts: []contact{src}, values: []string{addrValue(9), "x"}},
	} {
		b := m.append(nil)
		f.Add(append([]byte{byte(len(b))}, b...))
	}
	f.Add([]byte{3, 1, 2, 3, 255, 8, 0, 18, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		n := newMemNet(dhtDefaults(), 1)
		x := n.add(nil)
		check := func() {
			for _, out := range x.Out() {
				if m, why, ok := parse(out.SDU, 32); !ok || out.To == 0 || out.To == x.addr || m.src != x.self {
					t.Fatalf("sends %x to %d: %v", out.SDU, out.To, why)
				}
			}
			if len(x.lookups) > maxLookups || len(x.table.byAddr) > 2*8*65 || x.held.values > maxKeys*maxPerKey {
				t.Fatalf("%+v", x.Stats())
			}
			posts := x.posts
			x.posts = nil
			for _, fn := range posts {
				fn()
			}
		}
		x.Join(0, 9)
		check()
		if err := x.Register(0, core.SHA3_256.Sum("mine")); err != nil {
			t.Fatal(err)
		}
		answers := 0
		x.Query(0, key, func([]uint64) { answers++ })
		for len(script) > 0 {
			size := min(int(script[0]), len(script)-1)
			sdu := script[1 : 1+size]
			script = script[1+size:]
			n.now += core.Time(time.Millisecond)
			x.Recv(n.now, sdu)
			check()
			// The same with the cookies that this member has given out, so that answers are taken.
			if m, _, ok := parse(sdu, 32); ok && m.cookie != 0 {
				m.key, m.cookie = x.self.id, x.join.cookie
				x.Recv(n.now, m.append(nil))
				for _, l := range x.lookups {
					if len(l.peers) > 0 {
						m.key, m.cookie = l.key, l.peers[0].cookie
						x.Recv(n.now, m.append(nil))
						break
					}
				}
				check()
			}
			if x.Deadline() <= n.now {
				x.Tick(n.now)
				check()
			}
			if x.Deadline() <= n.now {
				t.Fatalf("due at %v again after the tick of %v", x.Deadline(), n.now)
			}
		}
		for end := n.now.Add(2 * queryTime); x.Deadline() < end; {
			n.now = x.Deadline()
			x.Tick(n.now)
			check()
			if x.Deadline() <= n.now {
				t.Fatalf("due at %v again after the tick of %v", x.Deadline(), n.now)
			}
		}
		if answers != 1 {
			t.Fatalf("answered %d times", answers)
		}
	})
}
