package unicast

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/policy"
	"ouroboros/core/wire"
	"ouroboros/ipcp"
	"ouroboros/ipcp/pb"
	"ouroboros/ipcp/unicast/ca"
	"ouroboros/ipcp/unicast/dir"
)

// example is the configuration of spec 07 §5.5, as field 5 of the answer carries it.
const example = `0a0b 0a07 6d796c61796572 1001 1001
	1a34 0a14 0804 1008 183c 220c 0800 1208 0800 1004 180f 203c
	1218 0800 1214 0803 1008 1880a305 208407 288407 30cdf8acd101
	1800 2001`

const exampleAddress = 0x1A2B3C4D

func catalog() Catalog { return NewCatalog(dir.NewNames()) }

// mylayer is the layer of the example: all defaults of the prototype.
func mylayer(tb testing.TB, set ...func(Catalog, *Layer)) Layer {
	tb.Helper()
	c, l := catalog(), Layer{Info: core.LayerInfo{Name: "mylayer", Hash: core.SHA3_256}}
	for _, f := range set {
		f(c, &l)
	}
	l, err := l.complete(c)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// with returns a layer whose choice of one kind is another.
func with[T any](c *policy.Choice[T], r *policy.Registry[T], name string, params map[string]any) {
	var err error
	if *c, err = r.Choose(name, params); err != nil {
		panic(err)
	}
}

func encoded(tb testing.TB, l Layer, peer uint64) []byte {
	tb.Helper()
	c, err := l.encode(peer)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(c)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// decoded reads a configuration as a newcomer does, from the answer of a member.
func decoded(c Catalog, conf []byte) (Layer, uint64, error) {
	var m pb.Config
	if err := proto.Unmarshal(conf, &m); err != nil {
		return Layer{}, 0, err
	}
	b, err := ipcp.OEPResponse{Config: &m}.Marshal()
	if err != nil {
		return Layer{}, 0, err
	}
	r, err := ipcp.ParseOEPResponse(b)
	if err != nil {
		return Layer{}, 0, err
	}
	return c.decode(r.Config)
}

// same reports how two layers differ: in a number, or in the decoded parameters of a policy.
func same(a, b Layer) string {
	return cmp.Diff(plain(a), plain(b))
}

func plain(l Layer) []any {
	p := l.Policies
	return []any{
		l.Info, l.Header, l.MaxTTL, l.MPL, l.Queue, l.Cube, l.MTU,
		p.Routing.Name, p.Routing.Config(), p.Forwarding.Name, p.Forwarding.Config(), p.Congestion.Name, p.Congestion.Config(),
		p.Directory.Name, p.Directory.Config(), p.Scheduler.Name, p.Scheduler.Config(), p.Addressing.Name, p.Addressing.Config(),
		p.Cost.Name, p.Cost.Config(), p.Shaping.Name, p.Shaping.Config(), p.Admission.Name, p.Admission.Config(),
	}
}

// TestDefaultLayerToTheByte: spec 07 §5.5. A layer that the prototype could be a member of is handed on in
// its own message, and read from it, also where its parameters are spelled out.
func TestDefaultLayerToTheByte(t *testing.T) {
	want := strings.Join(strings.Fields(example), "")
	for name, l := range map[string]Layer{
		"defaults": mylayer(t),
		"spelled out": mylayer(t, func(c Catalog, l *Layer) {
			l.Header = wire.DefaultPCI
			with(&l.Policies.Routing, c.Routing, "link-state", map[string]any{"recalc": "4s", "timeout": time.Minute})
			with(&l.Policies.Directory, c.Directory, "dht", map[string]any{"k": 8})
			with(&l.Policies.Addressing, c.Addressing, "flat-random", map[string]any{"addr_size": 4})
		}),
	} {
		if got := hex.EncodeToString(encoded(t, l, exampleAddress)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	b, _ := hex.DecodeString(want)
	l, peer, err := decoded(catalog(), b)
	if err != nil || peer != exampleAddress {
		t.Fatalf("peer %#x, %v", peer, err)
	}
	if d := same(l, mylayer(t)); d != "" {
		t.Error(d)
	}
}

// TestPrototypePoliciesNeedNoOtherFields: spec 07 §6 and 04 §1.
func TestPrototypePoliciesNeedNoOtherFields(t *testing.T) {
	for pol, name := range []string{"simple", "lfa", "ecmp"} {
		for cong, congestion := range []string{"none", "mb-ecn"} {
			l := mylayer(t, func(c Catalog, l *Layer) {
				with(&l.Policies.Routing, c.Routing, "link-state", map[string]any{"recalc": "1s", "update": "5s", "timeout": "20s"})
				with(&l.Policies.Forwarding, c.Forwarding, name, nil)
				with(&l.Policies.Congestion, c.Congestion, congestion, nil)
			})
			want := strings.Join(strings.Fields(example), "")
			want = strings.Replace(want, "12080800"+"1004180f203c", fmt.Sprintf("120808%02x", pol)+"100118052014", 1)
			want = want[:len(want)-2] + fmt.Sprintf("%02x", cong)
			if got := hex.EncodeToString(encoded(t, l, exampleAddress)); got != want {
				t.Errorf("%s, %s: %s, want %s", name, congestion, got, want)
			}
		}
	}
}

// variants are layers that use what the prototype does not know.
var variants = map[string]func(Catalog, *Layer){
	"link state": func(c Catalog, l *Layer) {
		with(&l.Policies.Routing, c.Routing, "link-state", map[string]any{
			"recalc": "1500ms", "update": "250ms", "timeout": "20s", "withdraw": "off", "burst": 7, "long_form": "needed",
		})
	},
	"dht": func(c Catalog, l *Layer) {
		with(&l.Policies.Directory, c.Directory, "dht", map[string]any{"k": 20, "alpha": 1, "t_expire": "10s", "cache": "125us"})
	},
	"static directory": func(c Catalog, l *Layer) { with(&l.Policies.Directory, c.Directory, "static", nil) },
	"congestion": func(c Catalog, l *Layer) {
		with(&l.Policies.Congestion, c.Congestion, "mb-ecn", map[string]any{"queue_shift": 0, "initial_limit": int64(1) << 40, "max_pause": "999ms999us"})
	},
	"addresses": func(c Catalog, l *Layer) {
		l.Header = wire.PCI{Addr: 8, EID: 2}
		with(&l.Policies.Addressing, c.Addressing, "sequential", map[string]any{"addr_size": 8})
	},
	"short addresses": func(c Catalog, l *Layer) {
		with(&l.Policies.Addressing, c.Addressing, "flat-random", map[string]any{"addr_size": 2})
	},
	"numbers": func(_ Catalog, l *Layer) {
		l.MaxTTL, l.MPL, l.Queue, l.Cube, l.Info.Hash = 255, 1500*time.Microsecond, 16, true, core.SHA3_512
		l.MTU = 1200
	},
}

// TestEveryLayerRoundTrips: a newcomer has what the member has, and hands on what it got, to the byte.
func TestEveryLayerRoundTrips(t *testing.T) {
	for name, f := range variants {
		t.Run(name, func(t *testing.T) {
			l := mylayer(t, f)
			first := encoded(t, l, 7)
			got, peer, err := decoded(catalog(), first)
			if err != nil || peer != 7 {
				t.Fatalf("peer %d, %v", peer, err)
			}
			if d := same(l, got); d != "" {
				t.Error(d)
			}
			if again := encoded(t, got, 7); hex.EncodeToString(again) != hex.EncodeToString(first) {
				t.Errorf("handed on as %x, got as %x", again, first)
			}
		})
	}
}

// knob is a parameter of every type that parameters can have.
type knob struct {
	Count  int64         `mapstructure:"count"`
	Nat    uint64        `mapstructure:"nat"`
	Share  float64       `mapstructure:"share"`
	On     bool          `mapstructure:"on"`
	Mode   string        `mapstructure:"mode"`
	Hold   time.Duration `mapstructure:"hold"`
	Shares []float64     `mapstructure:"shares"`
}

// TestParametersRoundTripExactly: of whatever type, in a policy that the prototype does not know.
func TestParametersRoundTripExactly(t *testing.T) {
	c := catalog()
	c.Congestion = &policy.Registry[ca.Avoidance]{Kind: "congestion", Factories: append(c.Congestion.Factories, policy.Factory[ca.Avoidance]{
		Name: "knobs", Config: func() any { return &knob{} },
	})}
	rapid.Check(t, func(rt *rapid.T) {
		want := &knob{
			rapid.Int64().Draw(rt, "count"), rapid.Uint64().Draw(rt, "nat"), rapid.Float64().Draw(rt, "share"), rapid.Bool().Draw(rt, "on"),
			rapid.StringN(0, 20, 60).Draw(rt, "mode"), time.Duration(rapid.Int64().Draw(rt, "hold")), rapid.SliceOfN(rapid.Float64(), 1, 4).Draw(rt, "shares"),
		}
		var hold any = want.Hold
		if rapid.Bool().Draw(rt, "text") {
			hold = want.Hold.String()
		}
		l := mylayer(t, func(_ Catalog, l *Layer) {
			with(&l.Policies.Congestion, c.Congestion, "knobs", map[string]any{
				"count": want.Count, "nat": want.Nat, "share": want.Share, "on": want.On, "mode": want.Mode, "hold": hold, "shares": want.Shares,
			})
		})
		got, _, err := decoded(c, encoded(t, l, 1))
		if err != nil {
			rt.Fatal(err)
		}
		if d := cmp.Diff(want, got.Policies.Congestion.Config()); d != "" {
			rt.Fatal(d)
		}
		if _, _, err := decoded(catalog(), encoded(t, l, 1)); err == nil || !strings.Contains(err.Error(), `unknown congestion policy "knobs"`) {
			rt.Fatalf("a member that does not know the policy says %v", err)
		}
	})
}

// TestConfigurationsThatCannotBeUsed: spec 07 D7. Each is refused with an error that says what is wrong.
func TestConfigurationsThatCannotBeUsed(t *testing.T) {
	str := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		edit func(*pb.Config)
		says string
	}{
		"another kind":         {func(m *pb.Config) { *m.IpcpType = 2 }, "type 2"},
		"no unicast part":      {func(m *pb.Config) { m.Unicast = nil }, "unicast layer is missing"},
		"no data transfer":     {func(m *pb.Config) { m.Unicast.Dt = nil }, "data transfer is missing"},
		"no directory":         {func(m *pb.Config) { m.Unicast.Dir = nil }, "directory is missing"},
		"no link state":        {func(m *pb.Config) { m.Unicast.Dt.Routing.Ls = nil }, "link state is missing"},
		"no dht":               {func(m *pb.Config) { m.Unicast.Dir.Dht = nil }, "hash table is missing"},
		"address size":         {func(m *pb.Config) { *m.Unicast.Dt.AddrSize = 260 }, "addr_size: 260"},
		"eid size":             {func(m *pb.Config) { *m.Unicast.Dt.EidSize = 0 }, "eid_size: 0"},
		"ttl":                  {func(m *pb.Config) { *m.Unicast.Dt.MaxTtl = 0 }, "max_ttl: 0"},
		"unknown routing":      {func(m *pb.Config) { *m.Unicast.Dt.Routing.Pol = 1; m.Unicast.Dt.Routing.Ls = nil }, "unknown routing policy: code 1"},
		"unnamed routing":      {func(m *pb.Config) { *m.Unicast.Dt.Routing.Pol = 100; m.Unicast.Dt.Routing.Ls = nil }, "routing: the name"},
		"routing with ls":      {func(m *pb.Config) { *m.Unicast.Dt.Routing.Pol = 100 }, "part of link state"},
		"forwarding":           {func(m *pb.Config) { *m.Unicast.Dt.Routing.Ls.Pol = 3 }, "forwarding policy: code 3"},
		"congestion":           {func(m *pb.Config) { *m.Unicast.CongAvoid = 2 }, "congestion policy: code 2"},
		"address policy":       {func(m *pb.Config) { *m.Unicast.AddrAuthType = 1 }, "addressing policy: code 1"},
		"directory code":       {func(m *pb.Config) { *m.Unicast.Dir.Pol = 1; m.Unicast.Dir.Dht = nil }, "directory policy: code 1"},
		"directory with dht":   {func(m *pb.Config) { *m.Unicast.Dir.Pol = 100 }, "part of the distributed hash table"},
		"timer out of range":   {func(m *pb.Config) { *m.Unicast.Dt.Routing.Ls.TRecalc = 0 }, "recalc"},
		"k out of range":       {func(m *pb.Config) { *m.Unicast.Dir.Dht.K = 21 }, "parameter k: 21"},
		"two names":            {func(m *pb.Config) { m.Unicast.Routing = &pb.Policy{Name: str("path-vector")} }, `code 0 is "link-state", but the name is "path-vector"`},
		"unknown scheduler":    {func(m *pb.Config) { m.Unicast.Scheduler = &pb.Policy{Name: str("best")} }, `unknown scheduler policy "best"`},
		"unknown parameter":    {func(m *pb.Config) { m.Unicast.Routing = params("link-state", "speed", "1") }, "speed"},
		"parameter of a kind":  {func(m *pb.Config) { m.Unicast.Routing = params("link-state", "burst", "many") }, "burst"},
		"parameter twice":      {func(m *pb.Config) { m.Unicast.Routing = params("link-state", "burst", "7", "burst", "7") }, "burst: it is there twice"},
		"parameter of nothing": {func(m *pb.Config) { m.Unicast.Routing = params("link-state", "burst", "") }, "burst: it has no value"},
		"queue":                {func(m *pb.Config) { q := uint32(1 << 31); m.Unicast.Queue = &q }, "queue: 2147483648"},
		"mtu":                  {func(m *pb.Config) { q := uint32(1 << 31); m.Unicast.Mtu = &q }, "mtu: 2147483648"},
		"mpl":                  {func(m *pb.Config) { q := uint64(1 << 63); m.Unicast.Mpl = &q }, "mpl: 9223372036854775808"},
		"another part":         {func(m *pb.Config) { z := uint32(0); m.Eth = &pb.EthConfig{Dev: str("eth0"), Ethertype: &z} }, "part of another type"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := mylayer(t).encode(1)
			if err != nil {
				t.Fatal(err)
			}
			c.edit(m)
			if _, _, err := catalog().decode(m); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want one that says %q", err, c.says)
			}
		})
	}
	if _, _, err := (Catalog{}).decode(must(mylayer(t).encode(1))); err == nil || !strings.Contains(err.Error(), "knows none") {
		t.Errorf("an empty catalog: %v", err)
	}
}

func must(c *pb.Config, err error) *pb.Config {
	if err != nil {
		panic(err)
	}
	return c
}

// params makes a policy with parameters of text; empty text stands for no value.
func params(name string, kv ...string) *pb.Policy {
	p := &pb.Policy{Name: &name}
	for i := 0; i < len(kv); i += 2 {
		v := &pb.Value{}
		if kv[i+1] != "" {
			v = text(kv[i+1])
		}
		p.Params = append(p.Params, &pb.Param{Name: &kv[i], Value: v})
	}
	return p
}

// TestBootstrapRefusesWhatCannotBeHandedOn: a layer that no newcomer could enroll in is none.
func TestBootstrapRefusesWhatCannotBeHandedOn(t *testing.T) {
	c := catalog()
	c.Congestion = &policy.Registry[ca.Avoidance]{Kind: "congestion", Factories: []policy.Factory[ca.Avoidance]{
		{Name: "wordy", Config: func() any { return &knob{} }},
	}}
	l := mylayer(t, func(_ Catalog, l *Layer) {
		with(&l.Policies.Congestion, c.Congestion, "wordy", map[string]any{"mode": strings.Repeat("x", 1000)})
	})
	if err := l.handsOn(); !errors.Is(err, ipcp.ErrMalformed) || !strings.Contains(err.Error(), "1024") {
		t.Errorf("a configuration that is too long: %v", err)
	}
}

// FuzzConfig: every configuration is refused or used; what is used is handed on and read again the same.
func FuzzConfig(f *testing.F) {
	b, _ := hex.DecodeString(strings.Join(strings.Fields(example), ""))
	f.Add(b)
	for _, v := range variants {
		f.Add(encoded(f, mylayer(f, v), 7))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, peer, err := decoded(catalog(), b)
		if err != nil {
			return
		}
		first := encoded(t, l, peer)
		again, p, err := decoded(catalog(), first)
		if err != nil {
			if errors.Is(err, ipcp.ErrMalformed) {
				return // longer than a message may be
			}
			t.Fatalf("%v of %x", err, first)
		}
		if d := same(l, again); d != "" || p != peer {
			t.Fatal(d)
		}
		if second := encoded(t, again, p); hex.EncodeToString(first) != hex.EncodeToString(second) {
			t.Fatalf("%x became %x", first, second)
		}
	})
}
