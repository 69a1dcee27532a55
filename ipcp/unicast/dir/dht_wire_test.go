package dir

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"ouroboros/core"
	"ouroboros/ipcp/pb"
)

// run returns n bytes that count up from first, as the examples of spec 05 §3.2 do.
func run(first byte, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return string(b)
}

func contactOf(id string, addr uint64) contact {
	return contact{id: core.Hash(id), prefix: prefixOf(core.Hash(id)), addr: addr}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	srcHex = "1228 0a20 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f 10cdf8acd101"
	keyHex = "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
)

// TestMessagesToTheByte_3_2 encodes and parses the examples of spec 05 §3.2, the response without values,
// which is 14 bytes shorter by its one value and keeps its part, and messages of two live prototypes.
func TestMessagesToTheByte_3_2(t *testing.T) {
	src := contactOf(run(0, 32), 0x1A2B3C4D)
	key := core.Hash(run(0xa0, 32))
	other := contactOf(run(0x40, 32), 0x55667788)
	const cookie = 0x1122334455667788
	proto1 := contactOf(string(unhex(t, "f34e11ab6c0b541413a147ed57083fc89bb3acf9c913cce9c6ece7c6b1c154a3")), 0xd7fc19d8)
	proto2 := contactOf(string(unhex(t, "dd188a03851ed3bcb43505b27f4511fe78ed8b250390726c2668fc5fc55059dc")), 0x179bd9f5)
	nosuch := core.SHA3_256.Sum("nosuch")
	for name, c := range map[string]struct {
		m    message
		size int
		hex  string
	}{
		"STORE": {
			message{code: codeStore, src: src, key: key, values: []string{addrValue(src.addr)}, exp: 1771804800},
			96,
			"0800" + srcHex + "1a32 0a20" + keyHex + "1208 000000001a2b3c4d 1880b1eecc06",
		},
		"FIND_VALUE_REQ": {
			message{code: codeFindValueReq, src: src, key: key, cookie: cookie},
			90,
			"0803" + srcHex + "222c 0888ef99abc5e88c9111 1220" + keyHex,
		},
		"FIND_NODE_REQ": {
			message{code: codeFindNodeReq, src: src, key: key, cookie: cookie},
			90,
			"0801" + srcHex + "222c 0888ef99abc5e88c9111 1220" + keyHex,
		},
		"FIND_VALUE_RSP": {
			message{code: codeFindValueRsp, src: src, key: key, cookie: cookie, contacts: []contact{other}, values: []string{addrValue(src.addr)}},
			144,
			"0804" + srcHex + "2a56 0888ef99abc5e88c9111 1220" + keyHex +
				"1a28 0a20 404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f 1088ef99ab05 320a 0a08 000000001a2b3c4d",
		},
		"FIND_VALUE_RSP without values": {
			message{code: codeFindValueRsp, src: src, key: key, cookie: cookie},
			92,
			"0804" + srcHex + "2a2c 0888ef99abc5e88c9111 1220" + keyHex + "3200",
		},
		"live STORE": {
			message{code: codeStore, src: proto1, key: core.SHA3_256.Sum("oping"), values: []string{addrValue(proto1.addr)}, exp: 1795439224},
			96,
			`080012280a20f34e11ab6c0b541413a147ed57083fc89bb3acf9c913cce9c6ece7c6b1c154a310d8b3f0bf0d1a320a2042dee3b0415b4f690fd91cbd99876f1e9bd8d9745ef7fa32b142773af0349d54120800000000d7fc19d818f8f490d806`,
		},
		"live FIND_VALUE_REQ": {
			message{code: codeFindValueReq, src: proto2, key: nosuch, cookie: 0x2825ce56845d7809},
			90,
			`080312280a20dd188a03851ed3bcb43505b27f4511fe78ed8b250390726c2668fc5fc55059dc10f5b3efbc01222c0889f0f5a2e8caf3922812203a311588ec6bcba60f77ab8bd4bbdf396617135d054b1843f28b85ffb19e27b7`,
		},
		"live FIND_VALUE_RSP": {
			message{code: codeFindValueRsp, src: proto1, key: nosuch, cookie: 0x2825ce56845d7809, contacts: []contact{proto2}},
			134,
			`080412280a20f34e11ab6c0b541413a147ed57083fc89bb3acf9c913cce9c6ece7c6b1c154a310d8b3f0bf0d2a560889f0f5a2e8caf3922812203a311588ec6bcba60f77ab8bd4bbdf396617135d054b1843f28b85ffb19e27b71a280a20dd188a03851ed3bcb43505b27f4511fe78ed8b250390726c2668fc5fc55059dc10f5b3efbc013200`,
		},
	} {
		want := unhex(t, c.hex)
		if len(want) != c.size {
			t.Fatalf("%s: the example has %d bytes, want %d", name, len(want), c.size)
		}
		if got := c.m.append(nil); !bytes.Equal(got, want) {
			t.Errorf("%s:\n%x, want\n%x", name, got, want)
		}
		got, why, ok := parse(want, 32)
		if !ok || got.code != c.m.code || got.src != c.m.src || got.key != c.m.key || got.cookie != c.m.cookie ||
			got.exp != c.m.exp || !slices.Equal(got.values, c.m.values) || !slices.Equal(got.contacts, c.m.contacts) {
			t.Errorf("%s: parsed %+v (%v)", name, got, why)
		}
	}
	m := message{code: codeFindNodeRsp, src: src, key: key, cookie: cookie, contacts: slices.Repeat([]contact{other}, 8)}
	if n := len(m.append(nil)); n != 427 {
		t.Errorf("FIND_NODE_RSP with 8 contacts has %d bytes, want 427", n)
	}
}

// TestInvalidMessages_3_1: every rule has its counter, and a message that breaks one changes nothing. An
// answer that was not asked for does not enter its sender.
func TestInvalidMessages_3_1(t *testing.T) {
	id, key := []byte(run(0, 32)), []byte(run(0xa0, 32))
	src := &pb.DhtContact{Id: id, Addr: proto.Uint64(9)}
	find := &pb.DhtFindReq{Cookie: proto.Uint64(1), Key: key}
	node := &pb.DhtFindNodeRsp{Cookie: proto.Uint64(1), Key: key}
	store := func(key, val []byte, exp uint32) *pb.DhtStore { return &pb.DhtStore{Key: key, Val: val, Exp: &exp} }
	const future = memEpoch + 100
	for name, c := range map[string]struct {
		m    *pb.Dht
		want Invalid
	}{
		"short id":              {&pb.Dht{Code: proto.Uint32(1), Src: &pb.DhtContact{Id: id[:31], Addr: proto.Uint64(9)}, Find: find}, BadSource},
		"long id":               {&pb.Dht{Code: proto.Uint32(1), Src: &pb.DhtContact{Id: []byte(run(0, 33)), Addr: proto.Uint64(9)}, Find: find}, BadSource},
		"address 0":             {&pb.Dht{Code: proto.Uint32(1), Src: &pb.DhtContact{Id: id, Addr: proto.Uint64(0)}, Find: find}, NoAddress},
		"own address":           {&pb.Dht{Code: proto.Uint32(1), Src: &pb.DhtContact{Id: id, Addr: proto.Uint64(1)}, Find: find}, OwnSource},
		"code 5":                {&pb.Dht{Code: proto.Uint32(5), Src: src, Find: find}, UnknownCode},
		"code 2^32-1":           {&pb.Dht{Code: proto.Uint32(1<<32 - 1), Src: src, Find: find}, UnknownCode},
		"request without find":  {&pb.Dht{Code: proto.Uint32(3), Src: src, Node: node}, Incomplete},
		"response without node": {&pb.Dht{Code: proto.Uint32(2), Src: src, Find: find}, Incomplete},
		"response without val":  {&pb.Dht{Code: proto.Uint32(4), Src: src, Node: node}, Incomplete},
		"store without store":   {&pb.Dht{Code: proto.Uint32(0), Src: src}, Incomplete},
		"short key of request":  {&pb.Dht{Code: proto.Uint32(1), Src: src, Find: &pb.DhtFindReq{Cookie: proto.Uint64(1), Key: key[:8]}}, BadKey},
		"short key of response": {&pb.Dht{Code: proto.Uint32(2), Src: src, Node: &pb.DhtFindNodeRsp{Cookie: proto.Uint64(1), Key: []byte{}}}, BadKey},
		"short key of store":    {&pb.Dht{Code: proto.Uint32(0), Src: src, Store: store(key[:1], id, future)}, BadKey},
		"empty value":           {&pb.Dht{Code: proto.Uint32(0), Src: src, Store: store(key, []byte{}, future)}, NoValue},
		"unasked node":          {&pb.Dht{Code: proto.Uint32(2), Src: src, Node: node}, Unasked},
		"unasked value":         {&pb.Dht{Code: proto.Uint32(4), Src: src, Node: node, Val: &pb.DhtFindValueRsp{}}, Unasked},
	} {
		sdu, err := proto.Marshal(c.m)
		if err != nil {
			t.Fatal(err)
		}
		x := newMemNet(dhtDefaults(), 1).add(nil)
		x.do(func() { x.Recv(0, sdu) })
		want := Stats{}
		want.Invalid[c.want] = 1
		if got := x.Stats(); got != want {
			t.Errorf("%s: %+v, want one %v", name, got, c.want)
		}
	}
	x := newMemNet(dhtDefaults(), 1).add(nil)
	good := (&message{code: codeFindNodeReq, src: contactOf(run(0, 32), 9), key: core.Hash(key), cookie: 1}).append(nil)
	for i := range good {
		x.Recv(0, good[:i])
	}
	// Cut behind the sender it is a message, of which the request is missing.
	if in := x.Stats().Invalid; in[Undecodable] != uint64(len(good)-1) || in[Incomplete] != 1 {
		t.Errorf("of %d cut messages %d are undecodable, %d incomplete", len(good), in[Undecodable], in[Incomplete])
	}
	x.Stop(0)
	x.Recv(0, good)
	if x.Stats().Invalid[NotStarted] != 1 {
		t.Error("a member without an address takes a message")
	}
}

// TestStoresThatAreRefused_6_3: expired values, values too many or too long for the memory set aside, and
// copies of what this member has taken back (D7) are dropped, each under its counter; their sender is a
// contact all the same.
func TestStoresThatAreRefused_6_3(t *testing.T) {
	x := newMemNet(dhtDefaults(), 1).add(nil)
	send := func(key core.Hash, val string, exp uint32) {
		m := message{code: codeStore, src: contactOf(run(0, 32), 9), key: key, values: []string{val}, exp: exp}
		x.do(func() { x.Recv(0, m.append(nil)) })
	}
	key := core.SHA3_256.Sum("web")
	send(key, addrValue(9), memEpoch-1)
	send(key, strings.Repeat("x", maxValue+1), memEpoch+9)
	send(key, addrValue(1), memEpoch+9)
	st := x.Stats()
	if st.Invalid[Expired] != 1 || st.Invalid[Overload] != 1 || st.Invalid[Revoked] != 1 || st.Values != 0 || st.Contacts != 1 {
		t.Errorf("%+v", st)
	}
	for i := range uint64(maxPerKey + 3) {
		send(key, addrValue(100+i), memEpoch+9)
		send(key, addrValue(100+i), memEpoch+9)
	}
	if st := x.Stats(); st.Values != maxPerKey || st.Keys != 1 || st.Invalid[Overload] != 1+2*3 {
		t.Errorf("%+v", st)
	}
	send(key, addrValue(100), memEpoch+1000)
	send(key, addrValue(100), memEpoch+500)
	send(key, addrValue(101), 1<<32-1)
	x.Database(func(v Value) {
		if want := map[uint64]int64{100: memEpoch + 1000, 101: memEpoch + maxLife}[v.Address()]; want != 0 && v.Expires != want {
			t.Errorf("%d expires at %d, want %d", v.Address(), v.Expires, want)
		}
	})
}

// TestContactsInResponses_D16: those with an identifier of another length or without an address are left out.
func TestContactsInResponses_D16(t *testing.T) {
	p := pb.Dht{
		Code: proto.Uint32(2), Src: &pb.DhtContact{Id: []byte(run(0, 32)), Addr: proto.Uint64(9)},
		Node: &pb.DhtFindNodeRsp{Cookie: proto.Uint64(1), Key: []byte(run(1, 32)), Contacts: []*pb.DhtContact{
			{Id: []byte(run(2, 31)), Addr: proto.Uint64(5)},
			{Id: []byte(run(3, 32)), Addr: proto.Uint64(0)},
			{Id: []byte(run(4, 32)), Addr: proto.Uint64(6)},
		}},
	}
	sdu, err := proto.Marshal(&p)
	if err != nil {
		t.Fatal(err)
	}
	m, _, ok := parse(sdu, 32)
	if !ok || m.bad != 2 || !slices.Equal(m.contacts, []contact{contactOf(run(4, 32), 6)}) {
		t.Errorf("%+v", m)
	}
}
