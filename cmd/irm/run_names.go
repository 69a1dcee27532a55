package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/operator"
	"ouroboros/core"
)

func bindProgram(ctx context.Context, c *call) error {
	path, err := operator.FindProgram(c.subject)
	if err != nil {
		return err
	}
	return c.do(ctx, func(h control.Handler) error {
		return h.BindProgram(ctx, path, c.value("name"), c.has("auto"), c.rest)
	})
}

// unbindProgram takes a path as it is, or a base name: the program may have been removed.
func unbindProgram(ctx context.Context, c *call) error {
	p := c.subject
	if strings.ContainsRune(p, filepath.Separator) {
		abs, err := filepath.Abs(p)
		if err != nil {
			return err
		}
		p = abs
	}
	return c.do(ctx, func(h control.Handler) error { return h.UnbindProgram(ctx, p, c.value("name")) })
}

// pid reads the number of a process.
func pid(c *call) (int, error) {
	n, err := strconv.Atoi(c.subject)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%w: %q is no number of a process", core.ErrInvalid, c.subject)
	}
	return n, nil
}

func bindProcess(ctx context.Context, c *call) error {
	n, err := pid(c)
	if err != nil {
		return err
	}
	return c.do(ctx, func(h control.Handler) error { return h.BindProcess(ctx, n, c.value("name")) })
}

func unbindProcess(ctx context.Context, c *call) error {
	n, err := pid(c)
	if err != nil {
		return err
	}
	return c.do(ctx, func(h control.Handler) error { return h.UnbindProcess(ctx, n, c.value("name")) })
}

func bindIPCP(ctx context.Context, c *call) error {
	return c.do(ctx, func(h control.Handler) error { return h.BindIPCP(ctx, c.subject, c.value("name")) })
}

func unbindIPCP(ctx context.Context, c *call) error {
	return c.do(ctx, func(h control.Handler) error { return h.UnbindIPCP(ctx, c.subject, c.value("name")) })
}

func createName(ctx context.Context, c *call) error {
	var n control.NameConfig
	if c.value("lb") == control.Spillover.String() {
		n.Balance = control.Spillover
	}
	for i, to := range []*string{&n.ServerEnc, &n.ServerCrt, &n.ServerKey, &n.ClientEnc, &n.ClientCrt, &n.ClientKey} {
		word := securityFiles[i].word
		if !c.has(word) {
			continue
		}
		path, err := operator.FindFile(c.value(word))
		if err != nil {
			return fmt.Errorf("%s: %w", word, err)
		}
		*to = path
	}
	return c.do(ctx, func(h control.Handler) error { return h.CreateName(ctx, c.subject, n) })
}

func destroyName(ctx context.Context, c *call) error {
	return c.do(ctx, func(h control.Handler) error { return h.DestroyName(ctx, c.subject) })
}

func register(ctx context.Context, c *call) error {
	return c.do(ctx, func(h control.Handler) error { return h.Register(ctx, c.subject, c.all("ipcp"), c.all("layer")) })
}

func unregister(ctx context.Context, c *call) error {
	return c.do(ctx, func(h control.Handler) error { return h.Unregister(ctx, c.subject, c.all("ipcp"), c.all("layer")) })
}
