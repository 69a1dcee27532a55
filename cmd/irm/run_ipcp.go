package main

import (
	"context"
	"fmt"

	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/operator"
	"ouroboros/core"
	"ouroboros/ipcp"
)

func createIPCP(ctx context.Context, c *call) error {
	kind, err := control.ParseKind(c.value("type"))
	if err != nil {
		return err
	}
	return c.do(ctx, func(h control.Handler) error { return h.CreateIPCP(ctx, c.value("name"), kind) })
}

// do makes a call of the daemon.
func (c *call) do(ctx context.Context, f func(h control.Handler) error) error {
	h, err := c.daemon(ctx)
	if err != nil {
		return err
	}
	return f(h)
}

func destroyIPCP(ctx context.Context, c *call) error {
	return c.do(ctx, func(h control.Handler) error { return h.DestroyIPCP(ctx, c.value("name")) })
}

func bootstrap(ctx context.Context, c *call) error {
	h, err := c.daemon(ctx)
	if err != nil {
		return err
	}
	kind, err := kindOf(ctx, h, c)
	if err != nil {
		return err
	}
	b, err := layerConfig(kind, c)
	if err != nil {
		return err
	}
	return operator.Bootstrap(ctx, h, c.value("name"), b)
}

// kindOf returns the type that was written, or that of the IPCP.
func kindOf(ctx context.Context, h control.Handler, c *call) (control.Kind, error) {
	if c.has("type") {
		return control.ParseKind(c.value("type"))
	}
	i, found, err := operator.Lookup(ctx, h, c.value("name"))
	if err == nil && !found {
		err = fmt.Errorf("%w: there is no IPCP %s; to create it, its type is needed", core.ErrInvalid, c.value("name"))
	}
	return i.Kind, err
}

// layerConfig makes the configuration that the keywords describe.
func layerConfig(kind control.Kind, c *call) (control.BootstrapConfig, error) {
	l := operator.NewLayer(kind, c.value("layer"))
	for _, g := range c.given {
		var err error
		if g.k.word == "autobind" {
			err = l.Autobind()
		} else if p := operator.ParamOfWord(g.k.word); p != nil {
			err = l.Set(p, g.value)
		}
		if err != nil {
			return control.BootstrapConfig{}, fmt.Errorf("%w: %w", core.ErrInvalid, err)
		}
	}
	b, err := l.Config()
	if err != nil {
		return b, fmt.Errorf("%w: %w", core.ErrInvalid, err)
	}
	return b, nil
}

func enroll(ctx context.Context, c *call) error {
	h, err := c.daemon(ctx)
	if err != nil {
		return err
	}
	kind := core.KindUnicast
	if c.has("type") {
		kind, err = control.ParseKind(c.value("type"))
	} else if i, found, e := operator.Lookup(ctx, h, c.value("name")); found || e != nil {
		kind, err = i.Kind, e
	}
	if err != nil {
		return err
	}
	e := control.EnrollConfig{Layer: c.value("layer"), Dst: c.value("dst"), Autobind: c.has("autobind")}
	if e.Dst == "" {
		e.Dst = e.Layer
	}
	return operator.Enroll(ctx, h, c.value("name"), kind, e)
}

// components returns those that a pattern describes.
func components(c *call) (control.Components, error) {
	pattern := c.value("component")
	if pattern == "" {
		pattern = "*"
	}
	var out control.Components
	for word, comp := range map[string]control.Components{"mgmt": ipcp.Mgmt, "dt": ipcp.DT} {
		if operator.Match(pattern, word) {
			out |= comp
		}
	}
	if out == 0 {
		return 0, fmt.Errorf("%w: component: %q, accepted are dt, mgmt, or * for both", core.ErrInvalid, pattern)
	}
	return out, nil
}

func connect(ctx context.Context, c *call) error {
	comp, err := components(c)
	if err != nil {
		return err
	}
	qos := c.value("qos")
	if qos == "" {
		qos = "raw"
	}
	return c.do(ctx, func(h control.Handler) error {
		return h.Connect(ctx, c.value("name"), control.ConnectConfig{Dst: c.value("dst"), Components: comp, QoS: qos})
	})
}

func disconnect(ctx context.Context, c *call) error {
	comp, err := components(c)
	if err != nil {
		return err
	}
	return c.do(ctx, func(h control.Handler) error { return h.Disconnect(ctx, c.value("name"), c.value("dst"), comp) })
}
