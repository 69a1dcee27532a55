// Package controltest has a control.Handler for tests of the programs on both sides of the management protocol.
package controltest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
	"ouroboros/ipcp"
)

// Fake is a daemon without a network. It keeps a list of IPCPs and of names, so that what is created can be
// listed, and notes every call with its arguments. The zero value is ready.
type Fake struct {
	mu    sync.Mutex
	fail  func(ctx context.Context, call string) error
	calls []string
	ipcps []control.IPCPInfo
	names []control.NameInfo
	// Tree is what RIB returns, Counters what Status has in it.
	Tree     []control.RIBEntry
	Counters []control.Counter
}

var _ control.Handler = (*Fake)(nil)

// Calls returns the calls so far, in their order, and forgets them.
func (f *Fake) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.calls
	f.calls = nil
	return out
}

// SetFail sets a function that may give a call an error. It gets the line of Calls that describes the call.
func (f *Fake) SetFail(fail func(ctx context.Context, call string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

// note records a call and returns the error it is to have.
func (f *Fake) note(ctx context.Context, format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	f.mu.Lock()
	f.calls = append(f.calls, call)
	fail := f.fail
	f.mu.Unlock()
	if fail == nil {
		return nil
	}
	return fail(ctx, call)
}

// firstPID is the number of the first IPCP.
const firstPID = 50

// CreateIPCP implements control.Handler.
func (f *Fake) CreateIPCP(ctx context.Context, name string, kind control.Kind) error {
	if err := f.note(ctx, "create ipcp %q %s", name, control.KindWord(kind)); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.find(name) >= 0 {
		return fmt.Errorf("%w: IPCP %q exists", core.ErrInvalid, name)
	}
	f.ipcps = append(f.ipcps, control.IPCPInfo{PID: firstPID + len(f.ipcps), Name: name, Kind: kind, State: ipcp.Boot})
	return nil
}

// find returns the place of an IPCP, -1 if there is none.
func (f *Fake) find(name string) int {
	return slices.IndexFunc(f.ipcps, func(i control.IPCPInfo) bool { return i.Name == name })
}

// DestroyIPCP implements control.Handler.
func (f *Fake) DestroyIPCP(ctx context.Context, name string) error {
	if err := f.note(ctx, "destroy ipcp %q", name); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := f.find(name); i >= 0 {
		f.ipcps = slices.Delete(f.ipcps, i, i+1)
	}
	return nil
}

// ListIPCPs implements control.Handler.
func (f *Fake) ListIPCPs(ctx context.Context) ([]control.IPCPInfo, error) {
	if err := f.note(ctx, "list ipcps"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Clone(f.ipcps)
	slices.SortStableFunc(out, func(a, b control.IPCPInfo) int { return int(a.Kind) - int(b.Kind) })
	return out, nil
}

// enter puts an IPCP into a layer.
func (f *Fake) enter(name, layer string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.find(name)
	if i < 0 {
		return fmt.Errorf("%w: no IPCP %q", core.ErrIPCP, name)
	}
	if f.ipcps[i].State != ipcp.Boot {
		return fmt.Errorf("%w: IPCP %q is %s", core.ErrIPCPState, name, f.ipcps[i].State)
	}
	f.ipcps[i].Layer, f.ipcps[i].State = layer, ipcp.Operational
	return nil
}

// Bootstrap implements control.Handler.
func (f *Fake) Bootstrap(ctx context.Context, name string, b control.BootstrapConfig) error {
	if err := f.note(ctx, "bootstrap %q %s", name, describe(b)); err != nil {
		return err
	}
	return f.enter(name, b.Layer)
}

// describe prints what is set in a configuration.
func describe(b control.BootstrapConfig) string {
	var out []string
	add := func(set bool, format string, v ...any) {
		if set {
			out = append(out, fmt.Sprintf(format, v...))
		}
	}
	add(true, "%s layer=%q hash=%d", control.KindWord(b.Kind), b.Layer, b.Hash)
	add(b.Autobind, "autobind")
	add(b.Device != "", "device=%s", b.Device)
	add(b.EtherType != 0, "ethertype=%04x", b.EtherType)
	add(b.IP.IsValid(), "ip=%s", b.IP)
	add(b.Port != 0, "port=%d", b.Port)
	add(b.DNS.IsValid(), "dns=%s", b.DNS)
	add(b.Hosts != "", "hosts=%s", b.Hosts)
	add(b.AddrSize != 0, "addr=%d", b.AddrSize)
	add(b.EIDSize != 0, "eid=%d", b.EIDSize)
	add(b.MaxTTL != 0, "ttl=%d", b.MaxTTL)
	add(b.MPL != 0, "mpl=%s", b.MPL)
	add(b.MTU != 0, "mtu=%d", b.MTU)
	add(b.Queue != 0, "queue=%d", b.Queue)
	add(b.Cubes, "cubes")
	for _, kind := range sorted(b.Policies) {
		p := b.Policies[kind]
		text := kind + "=" + p.Name
		for _, k := range sorted(p.Params) {
			text += "," + k + "=" + p.Params[k]
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func sorted[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Enroll implements control.Handler.
func (f *Fake) Enroll(ctx context.Context, name string, e control.EnrollConfig) error {
	if err := f.note(ctx, "enroll %q layer=%q dst=%q autobind=%t", name, e.Layer, e.Dst, e.Autobind); err != nil {
		return err
	}
	layer := e.Layer
	if layer == "" {
		layer = e.Dst
	}
	return f.enter(name, layer)
}

// Connect implements control.Handler.
func (f *Fake) Connect(ctx context.Context, name string, c control.ConnectConfig) error {
	return f.note(ctx, "connect %q dst=%q component=%s qos=%s", name, c.Dst, c.Components, c.QoS)
}

// Disconnect implements control.Handler.
func (f *Fake) Disconnect(ctx context.Context, name, dst string, comp control.Components) error {
	return f.note(ctx, "disconnect %q dst=%q component=%s", name, dst, comp)
}

// BindProgram implements control.Handler.
func (f *Fake) BindProgram(ctx context.Context, program, name string, auto bool, args []string) error {
	return f.note(ctx, "bind program %q name=%q auto=%t args=%q", program, name, auto, args)
}

// UnbindProgram implements control.Handler.
func (f *Fake) UnbindProgram(ctx context.Context, program, name string) error {
	return f.note(ctx, "unbind program %q name=%q", program, name)
}

// BindProcess implements control.Handler.
func (f *Fake) BindProcess(ctx context.Context, pid int, name string) error {
	return f.note(ctx, "bind process %d name=%q", pid, name)
}

// UnbindProcess implements control.Handler.
func (f *Fake) UnbindProcess(ctx context.Context, pid int, name string) error {
	return f.note(ctx, "unbind process %d name=%q", pid, name)
}

// BindIPCP implements control.Handler.
func (f *Fake) BindIPCP(ctx context.Context, i, name string) error {
	return f.note(ctx, "bind ipcp %q name=%q", i, name)
}

// UnbindIPCP implements control.Handler.
func (f *Fake) UnbindIPCP(ctx context.Context, i, name string) error {
	return f.note(ctx, "unbind ipcp %q name=%q", i, name)
}

// CreateName implements control.Handler.
func (f *Fake) CreateName(ctx context.Context, name string, c control.NameConfig) error {
	if err := f.note(ctx, "create name %q %s senc=%q scrt=%q skey=%q cenc=%q ccrt=%q ckey=%q", name, c.Balance,
		c.ServerEnc, c.ServerCrt, c.ServerKey, c.ClientEnc, c.ClientCrt, c.ClientKey); err != nil {
		return err
	}
	f.addName(name, c)
	return nil
}

func (f *Fake) addName(name string, c control.NameConfig) {
	f.mu.Lock()
	defer f.mu.Unlock()
	has := func(n control.NameInfo) bool { return n.Name == name }
	if !slices.ContainsFunc(f.names, has) {
		f.names = append(f.names, control.NameInfo{Name: name, NameConfig: c})
	}
}

// DestroyName implements control.Handler.
func (f *Fake) DestroyName(ctx context.Context, name string) error {
	if err := f.note(ctx, "destroy name %q", name); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.names = slices.DeleteFunc(f.names, func(n control.NameInfo) bool { return n.Name == name })
	return nil
}

// ListNames implements control.Handler.
func (f *Fake) ListNames(ctx context.Context) ([]control.NameInfo, error) {
	if err := f.note(ctx, "list names"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Clone(f.names)
	slices.SortFunc(out, func(a, b control.NameInfo) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Register implements control.Handler.
func (f *Fake) Register(ctx context.Context, name string, ipcps, layers []string) error {
	if err := f.note(ctx, "register %q ipcps=%q layers=%q", name, ipcps, layers); err != nil {
		return err
	}
	f.addName(name, control.NameConfig{Balance: control.Spillover})
	return nil
}

// Unregister implements control.Handler.
func (f *Fake) Unregister(ctx context.Context, name string, ipcps, layers []string) error {
	return f.note(ctx, "unregister %q ipcps=%q layers=%q", name, ipcps, layers)
}

// RIB implements control.Handler.
func (f *Fake) RIB(ctx context.Context, path string) ([]control.RIBEntry, error) {
	if err := f.note(ctx, "rib %q", path); err != nil {
		return nil, err
	}
	var out []control.RIBEntry
	for _, e := range f.Tree {
		if path == "" || e.Path == path || strings.HasPrefix(e.Path, path+"/") {
			out = append(out, e)
		}
	}
	if len(out) == 0 && path != "" {
		return nil, fmt.Errorf("%w: %s: no such entry", core.ErrInvalid, path)
	}
	return out, nil
}

// Shape implements control.Handler.
func (f *Fake) Shape(ctx context.Context, i string, out, in core.LinkSpec) error {
	return f.note(ctx, "shape %q out{%s} in{%s}", i, spec(out), spec(in))
}

// spec prints what is set in a spec.
func spec(s core.LinkSpec) string {
	var out []string
	add := func(set bool, key string, v any) {
		if set {
			out = append(out, fmt.Sprintf("%s=%v", key, v))
		}
	}
	add(s.Rate != 0, "rate", s.Rate)
	add(s.Delay != 0, "delay", s.Delay)
	add(s.Jitter != 0, "jitter", s.Jitter)
	add(s.QueuePackets != 0, "queue", s.QueuePackets)
	add(s.QueueBytes != 0, "queue-bytes", s.QueueBytes)
	add(s.Block, "block", true)
	add(s.Loss != 0, "loss", s.Loss)
	if g := s.Gilbert; g != nil {
		add(true, "gilbert", *g)
	}
	add(len(s.Drop) > 0, "drop", s.Drop)
	add(s.BER != 0, "ber", s.BER)
	add(s.NoFCS, "nofcs", true)
	add(s.Reorder != 0, "reorder", s.Reorder)
	add(s.ReorderBy != 0, "reorder-by", s.ReorderBy)
	add(s.Duplicate != 0, "duplicate", s.Duplicate)
	add(s.Overhead != 0, "overhead", s.Overhead)
	return strings.Join(out, " ")
}

// Status implements control.Handler.
func (f *Fake) Status(ctx context.Context) (control.Status, error) {
	if err := f.note(ctx, "status"); err != nil {
		return control.Status{}, err
	}
	return control.Status{Version: "test", PID: 1234, Uptime: 90 * time.Second, Counters: f.Counters}, nil
}
