package dir

import "testing"

// BenchmarkLookup measures a query in a layer of 1000 members, with all messages at all members.
func BenchmarkLookup(b *testing.B) {
	n := layerOf(b, 1000, 1, nil)
	sent := n.sent
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		from, to := n.pair()
		if addrs, _ := n.ask(from, to.name()); len(addrs) == 0 {
			b.Fatal("not found")
		}
	}
	b.ReportMetric(float64(n.sent-sent)/float64(b.N), "messages/op")
}

// BenchmarkBringUp measures a layer of 1000 members that join and register a name each.
func BenchmarkBringUp(b *testing.B) {
	for range b.N {
		n := layerOf(b, 1000, 1, nil)
		b.ReportMetric(float64(n.sent)/1000, "messages/member")
		b.ReportMetric(float64(n.bytes)/1000, "bytes/member")
	}
}

// BenchmarkRecv measures one message: a request that is answered with 8 contacts, and a STORE.
func BenchmarkRecv(b *testing.B) {
	n := layerOf(b, 200, 1, nil)
	x, from := n.members[0], n.members[100].self
	for name, m := range map[string]message{
		"request": {code: codeFindValueReq, src: from, key: n.members[50].name(), cookie: 1},
		"store":   {code: codeStore, src: from, key: n.members[50].name(), values: []string{addrValue(51)}, exp: memEpoch + 80000},
	} {
		sdu := m.append(nil)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				x.Recv(n.now, sdu)
				x.Out()
			}
		})
	}
}
