package config

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/operator"
	"ouroboros/core"
	"ouroboros/ipcp"
)

// builder makes the steps of one table.
type builder struct {
	t     *table
	name  string // of the object
	steps []Step
}

// object reads the table of one object.
func object(d *document, path []string) ([]Step, error) {
	group, _ := d.values[path[0]].(map[string]any)
	b := &builder{t: d.open(path, group[path[1]]), name: path[1]}
	if b.t.err != nil {
		return nil, b.t.err
	}
	if err := core.Name(b.name).Validate(); err != nil {
		return nil, d.errorf(path, "%w", err)
	}
	if path[0] == "name" {
		return b.steps, b.named()
	}
	kind, err := control.ParseKind(path[0])
	if err != nil {
		return nil, d.errorf(path, "%w", err)
	}
	err = b.ipcp(kind)
	return b.steps, err
}

func (b *builder) step(doc string, run func(ctx context.Context, h control.Handler) error) {
	b.steps = append(b.steps, Step{Line: b.t.d.lines[join(b.t.path...)], Table: dotted(b.t.path), Doc: doc, Run: run})
}

var nameKeys = []string{
	"prog", "args", "lb", "server_enc_file", "server_crt_file", "server_key_file", "client_enc_file", "client_crt_file", "client_key_file",
}

// named reads the table of a name.
func (b *builder) named() error {
	t, name := b.t, b.name
	progs, args := t.texts("prog"), t.texts("args")
	balance := control.Spillover
	if t.word("lb", "spill", "round-robin", "spillover") == "round-robin" {
		balance = control.RoundRobin
	}
	if len(args) > len(progs) {
		t.fail("args", "%d elements for %d programs", len(args), len(progs))
	}
	files := make([]string, 6)
	for i, key := range nameKeys[3:] {
		files[i] = t.text(key)
	}
	b.step("create the name", func(ctx context.Context, h control.Handler) error {
		c := control.NameConfig{Balance: balance}
		for i, to := range []*string{&c.ServerEnc, &c.ServerCrt, &c.ServerKey, &c.ClientEnc, &c.ClientCrt, &c.ClientKey} {
			if files[i] == "" {
				continue
			}
			path, err := operator.FindFile(files[i])
			if err != nil {
				return fmt.Errorf("%s: %w", nameKeys[3+i], err)
			}
			*to = path
		}
		return h.CreateName(ctx, name, c)
	})
	for i, p := range progs {
		var words []string
		if i < len(args) {
			words = strings.Fields(args[i])
		}
		b.step("bind the program "+p, func(ctx context.Context, h control.Handler) error {
			path, err := operator.FindProgram(p)
			if err != nil {
				return err
			}
			return h.BindProgram(ctx, path, name, i < len(args), words)
		})
	}
	return t.end(nameKeys)
}

// ipcp reads the table of an IPCP.
func (b *builder) ipcp(kind control.Kind) error {
	t, name := b.t, b.name
	layer, dst := t.text("bootstrap"), t.text("enrol")
	autobind := t.truth("autobind")
	reg, conn := t.texts("reg"), t.texts("conn")
	members := kind == core.KindUnicast || kind == core.KindBroadcast
	switch {
	case dst != "" && !members:
		t.fail("enrol", "%s cannot enroll, accepted is bootstrap", control.KindWord(kind))
	case len(conn) > 0 && dst == "":
		t.fail("conn", "is for an IPCP that enrolls, accepted is enrol beside it")
	case len(reg) > 0 && dst == "" && layer == "":
		t.fail("reg", "is for an IPCP that is in a layer, accepted is bootstrap or enrol beside it")
	case autobind && !members:
		t.fail("autobind", "is for unicast and broadcast, accepted is false")
	}
	cfg := b.layer(kind, layer, autobind)
	if err := t.end(ipcpKeys(kind)); err != nil {
		return err
	}
	b.step("create the IPCP", func(ctx context.Context, h control.Handler) error { return h.CreateIPCP(ctx, name, kind) })
	switch {
	case dst != "":
		b.step("enroll", func(ctx context.Context, h control.Handler) error {
			return h.Enroll(ctx, name, control.EnrollConfig{Dst: dst, Autobind: autobind})
		})
	case layer != "":
		b.step("bootstrap", func(ctx context.Context, h control.Handler) error { return h.Bootstrap(ctx, name, cfg) })
	}
	for _, n := range reg {
		b.step("register "+n, func(ctx context.Context, h control.Handler) error {
			if err := operator.EnsureName(ctx, h, n); err != nil {
				return err
			}
			return h.Register(ctx, n, []string{name}, nil)
		})
	}
	for _, n := range conn {
		b.step("connect to "+n, func(ctx context.Context, h control.Handler) error {
			return h.Connect(ctx, name, control.ConnectConfig{Dst: n, Components: ipcp.Both, QoS: "raw"})
		})
	}
	return nil
}

// layer reads the parameters of a layer. They are checked even where the IPCP is only created or enrolls.
func (b *builder) layer(kind control.Kind, layer string, autobind bool) control.BootstrapConfig {
	t := b.t
	l := operator.NewLayer(kind, layer)
	for _, o := range t.d.order {
		key, ok := strings.CutPrefix(o, join(t.path...)+separator)
		v, there := t.left[key]
		if !ok || !there || t.err != nil {
			continue
		}
		p := operator.FindParam(kind, key)
		if p == nil {
			continue
		}
		delete(t.left, key)
		if err := give(l, p, v); err != nil {
			t.fail(key, "%w", err)
		}
	}
	if autobind && t.err == nil {
		if err := l.Autobind(); err != nil {
			t.fail("autobind", "%w", err)
		}
	}
	cfg, err := l.Config()
	if err != nil && layer != "" && t.err == nil {
		t.err = t.d.errorf(t.path, "%w", err)
	}
	return cfg
}

// ipcpKeys are the keys of the table of an IPCP.
func ipcpKeys(kind control.Kind) []string {
	keys := []string{"bootstrap"}
	if kind == core.KindUnicast || kind == core.KindBroadcast {
		keys = append(keys, "enrol", "autobind", "conn")
	}
	keys = append(keys, "reg")
	for i := range operator.Params {
		if p := &operator.Params[i]; p.Of(kind) {
			keys = append(keys, p.FileKey())
		}
	}
	return slices.Clip(keys)
}
