package control_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/control/controltest"
	"ouroboros/core"
	"ouroboros/ipcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// spec has every field that travels.
var spec = core.LinkSpec{
	Rate: 1e9, Delay: time.Millisecond, QueuePackets: 7, QueueBytes: 1e5, Block: true, Loss: 0.25,
	Gilbert: &core.GilbertElliott{P: 0.1, R: 0.2, LossGood: 0.3, LossBad: 0.4}, Drop: []uint64{1, 5}, BER: 1e-9, NoFCS: true,
	Jitter: time.Microsecond, Reorder: 0.5, ReorderBy: time.Second, Duplicate: 0.75, Overhead: 38, Device: 3, Detect: time.Hour,
}

// calls are all operations, with every argument different from its zero value.
var calls = []struct {
	call func(context.Context, control.Handler) error
	want string
}{
	{func(ctx context.Context, h control.Handler) error { return h.CreateIPCP(ctx, "a", core.KindEthDIX) }, `create ipcp "a" eth-dix`},
	{func(ctx context.Context, h control.Handler) error { return h.DestroyIPCP(ctx, "b") }, `destroy ipcp "b"`},
	{func(ctx context.Context, h control.Handler) error {
		return h.Enroll(ctx, "a", control.EnrollConfig{Layer: "l", Dst: "d", Autobind: true})
	}, `enroll "a" layer="l" dst="d" autobind=true`},
	{func(ctx context.Context, h control.Handler) error {
		return h.Connect(ctx, "a", control.ConnectConfig{Dst: "d", Components: ipcp.DT, QoS: "voice"})
	}, `connect "a" dst="d" component=dt qos=voice`},
	{func(ctx context.Context, h control.Handler) error { return h.Disconnect(ctx, "a", "d", ipcp.Both) }, `disconnect "a" dst="d" component=mgmt, dt`},
	{func(ctx context.Context, h control.Handler) error {
		return h.BindProgram(ctx, "/bin/p", "n", true, []string{"-l", ""})
	}, `bind program "/bin/p" name="n" auto=true args=["-l" ""]`},
	{func(ctx context.Context, h control.Handler) error { return h.UnbindProgram(ctx, "p", "n") }, `unbind program "p" name="n"`},
	{func(ctx context.Context, h control.Handler) error { return h.BindProcess(ctx, 1<<22, "n") }, `bind process 4194304 name="n"`},
	{func(ctx context.Context, h control.Handler) error { return h.UnbindProcess(ctx, 12, "n") }, `unbind process 12 name="n"`},
	{func(ctx context.Context, h control.Handler) error { return h.BindIPCP(ctx, "a", "n") }, `bind ipcp "a" name="n"`},
	{func(ctx context.Context, h control.Handler) error { return h.UnbindIPCP(ctx, "a", "n") }, `unbind ipcp "a" name="n"`},
	{func(ctx context.Context, h control.Handler) error {
		return h.CreateName(ctx, "n", control.NameConfig{
			Balance: control.Spillover, ServerEnc: "1", ServerCrt: "2", ServerKey: "3", ClientEnc: "4", ClientCrt: "5", ClientKey: "6",
		})
	}, `create name "n" spillover senc="1" scrt="2" skey="3" cenc="4" ccrt="5" ckey="6"`},
	{func(ctx context.Context, h control.Handler) error { return h.DestroyName(ctx, "n") }, `destroy name "n"`},
	{func(ctx context.Context, h control.Handler) error {
		return h.Register(ctx, "n", []string{"a", "b*"}, []string{"l"})
	}, `register "n" ipcps=["a" "b*"] layers=["l"]`},
	{func(ctx context.Context, h control.Handler) error {
		return h.Unregister(ctx, "n", []string{"a"}, []string{"l", "*"})
	}, `unregister "n" ipcps=["a"] layers=["l" "*"]`},
	{
		func(ctx context.Context, h control.Handler) error {
			return h.Shape(ctx, "a", spec, core.LinkSpec{Loss: 1})
		},
		`shape "a" out{rate=1000000000 delay=1ms jitter=1µs queue=7 queue-bytes=100000 block=true loss=0.25 gilbert={0.1 0.2 0.3 0.4} drop=[1 5] ber=1e-09 nofcs=true reorder=0.5 reorder-by=1s duplicate=0.75 overhead=38} in{loss=1}`,
	},
	{func(ctx context.Context, h control.Handler) error { _, err := h.RIB(ctx, "a/info"); return err }, `rib "a/info"`},
}

// A Client is the Handler of the daemon: each call arrives once, with its arguments, and its error comes back
// with text and code (spec 14 §14.6).
func TestCallsArriveAsTheyWereMade(t *testing.T) {
	f := &controltest.Fake{Tree: []control.RIBEntry{{Path: "a/info/_state", Content: []byte("null\n")}}}
	c := dial(t, serve(t, &control.Server{Handler: f}))
	ctx := context.Background()
	for _, x := range calls {
		if err := c.CreateIPCP(ctx, "a", core.KindUnicast); err != nil {
			t.Fatal(err)
		}
		f.Calls()
		err := x.call(ctx, c)
		if err != nil && !strings.Contains(err.Error(), "exists") {
			t.Errorf("%s: %v", x.want, err)
		}
		if d := cmp.Diff([]string{x.want}, f.Calls()); d != "" {
			t.Error(d)
		}
		if err := c.DestroyIPCP(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		f.Calls()
		f.SetFail(func(context.Context, string) error { return fmt.Errorf("%w: for the test", core.ErrName) })
		err = x.call(ctx, c)
		if !errors.Is(err, core.ErrName) || err.Error() != "unknown name: for the test" {
			t.Errorf("%s: error %v", x.want, err)
		}
		f.SetFail(nil)
		f.Calls()
	}
}

// recorder keeps the configurations and specs that it gets.
type recorder struct {
	controltest.Fake
	mu       sync.Mutex
	b        control.BootstrapConfig
	out, in  core.LinkSpec
	deadline bool
}

func (r *recorder) Bootstrap(ctx context.Context, _ string, b control.BootstrapConfig) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.b = b
	_, r.deadline = ctx.Deadline()
	return nil
}

func (r *recorder) Shape(_ context.Context, _ string, out, in core.LinkSpec) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out, r.in = out, in
	return nil
}

// Every field of a configuration travels.
func TestConfigurationsTravelWhole(t *testing.T) {
	r := &recorder{}
	c := dial(t, serve(t, &control.Server{Handler: r}))
	b := control.BootstrapConfig{
		Kind: core.KindUDP6, Layer: "l", Hash: core.SHA3_512, Autobind: true, Device: "v0", EtherType: 0xfffe,
		IP: netip.MustParseAddr("2001:db8::1"), Port: 65535, DNS: netip.MustParseAddr("10.0.0.1"), Hosts: "/etc/hosts",
		AddrSize: 4, EIDSize: 8, MaxTTL: 255, MPL: time.Second, MTU: 9000, Queue: 12, Cubes: true,
		Policies: map[string]control.Policy{
			"routing":    {Name: "link-state", Params: map[string]string{"recalc": "1s", "": "empty"}},
			"congestion": {Name: "none"},
		},
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.Bootstrap(ctx, "a", b); err != nil {
		t.Fatal(err)
	}
	if err := c.Shape(ctx, "a", spec, core.LinkSpec{}); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := cmp.Diff(b, r.b, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	if !r.deadline {
		t.Error("the deadline of the client is not that of the handler")
	}
	if d := cmp.Diff(spec, r.out) + cmp.Diff(core.LinkSpec{}, r.in); d != "" {
		t.Error(d)
	}
}

// lister answers with lists.
type lister struct {
	controltest.Fake
	ipcps []control.IPCPInfo
	names []control.NameInfo
}

func (l *lister) ListIPCPs(context.Context) ([]control.IPCPInfo, error) { return l.ipcps, nil }
func (l *lister) ListNames(context.Context) ([]control.NameInfo, error) { return l.names, nil }

// Lists and the status come back whole, a management tree of several megabytes too.
func TestAnswersTravelWhole(t *testing.T) {
	l := &lister{
		ipcps: []control.IPCPInfo{{PID: 57, Name: "uni1", Kind: core.KindUDP6, State: ipcp.Operational, Layer: "net", Hash: core.MD5}, {}},
		names: []control.NameInfo{{
			Name: "n", NameConfig: control.NameConfig{Balance: control.Spillover, ServerEnc: "e", ClientKey: "k"},
			Programs: []string{"/bin/p"}, Processes: []int{1, 2}, IPCPs: []string{"uni1"}, Layers: []string{"net"}, Active: 1,
		}},
		Fake: controltest.Fake{
			Counters: []control.Counter{{Name: "flows", Value: 3}, {Name: "balance", Value: -1}},
			Tree:     []control.RIBEntry{{Path: "big", Content: bytes.Repeat([]byte("0123456789abcdef"), 200_000)}, {Path: "empty"}},
		},
	}
	c := dial(t, serve(t, &control.Server{Handler: l}))
	ctx := context.Background()
	ipcps, err1 := c.ListIPCPs(ctx)
	names, err2 := c.ListNames(ctx)
	tree, err3 := c.RIB(ctx, "")
	st, err4 := c.Status(ctx)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	want, _ := l.Fake.Status(ctx)
	for _, d := range []string{
		cmp.Diff(l.ipcps, ipcps), cmp.Diff(l.names, names), cmp.Diff(want, st),
		cmp.Diff(l.Tree, tree, cmp.Comparer(bytes.Equal)),
	} {
		if d != "" {
			t.Error(d)
		}
	}
}

// An error without a code keeps its text; the ends of contexts have codes.
func TestErrorsKeepTextAndCode(t *testing.T) {
	f := &controltest.Fake{}
	c := dial(t, serve(t, &control.Server{Handler: f}))
	for _, x := range []struct {
		give error
		code core.Code
		text string
	}{
		{errors.New("no code"), 0, "no code"},
		{errors.New(""), 0, "error 0"},
		{core.ErrIPCPState, core.ErrIPCPState, "IPCP is in another state"},
		{core.SizeError{Len: 3, MTU: 2}, core.ErrMsgSize, "message too long: 3 bytes, the MTU is 2"},
		{core.Code(4242), core.Code(4242), "error 4242"},
		{fmt.Errorf("late: %w", context.DeadlineExceeded), core.ErrTimedOut, "late: context deadline exceeded"},
		{context.Canceled, core.ErrCanceled, "context canceled"},
	} {
		f.SetFail(func(context.Context, string) error { return x.give })
		err := c.DestroyName(context.Background(), "n")
		var e *control.Error
		if !errors.As(err, &e) || e.Code != x.code || e.Error() != x.text {
			t.Errorf("%v arrives as %#v", x.give, err)
		}
		if x.code != 0 && !errors.Is(err, x.code) {
			t.Errorf("%v is no %v", err, x.code)
		}
	}
}

// The handler learns who asks.
func TestHandlerKnowsItsPeer(t *testing.T) {
	peers := make(chan control.Peer, 1)
	f := &controltest.Fake{}
	f.SetFail(func(ctx context.Context, _ string) error {
		p, _ := control.PeerOf(ctx)
		peers <- p
		return nil
	})
	c := dial(t, serve(t, &control.Server{Handler: f}))
	if _, err := c.Status(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := <-peers; got.PID != os.Getpid() || int(got.UID) != os.Getuid() || int(got.GID) != os.Getgid() {
		t.Errorf("peer %+v", got)
	}
}

// The words of kinds (spec 13 §13.2) and of QoS.
func TestWords(t *testing.T) {
	for k, w := range map[control.Kind]string{
		0: "local", 1: "unicast", 2: "broadcast", 3: "eth-llc", 4: "eth-dix", 5: "udp4", 6: "udp6",
	} {
		if got, err := control.ParseKind(w); err != nil || got != k || control.KindWord(k) != w {
			t.Errorf("%s: %v, %v", w, got, err)
		}
	}
	if _, err := control.ParseKind("uni"); !errors.Is(err, core.ErrIPCPType) || !strings.Contains(err.Error(), "eth-dix") {
		t.Errorf("an unknown word: %v", err)
	}
	if q, ok := control.QoS("data"); !ok || q != core.QoSData {
		t.Errorf("data: %+v", q)
	}
}
