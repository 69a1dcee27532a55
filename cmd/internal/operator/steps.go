package operator

import (
	"context"
	"fmt"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
)

// Lookup returns the IPCP of a name, and whether there is one.
func Lookup(ctx context.Context, h control.Handler, name string) (control.IPCPInfo, bool, error) {
	list, err := h.ListIPCPs(ctx)
	for _, i := range list {
		if err == nil && i.Name == name {
			return i, true, nil
		}
	}
	return control.IPCPInfo{}, false, err
}

// EnsureName creates a name unless it exists, with the balance of names that nobody has created (spec 13 §13.1).
func EnsureName(ctx context.Context, h control.Handler, name string) error {
	return h.CreateName(ctx, name, control.NameConfig{Balance: control.Spillover})
}

// Bootstrap bootstraps an IPCP, which is created if there is none. One that was created here does not outlive a
// failure.
func Bootstrap(ctx context.Context, h control.Handler, name string, b control.BootstrapConfig) error {
	return within(ctx, h, name, b.Kind, func() error { return h.Bootstrap(ctx, name, b) })
}

// Enroll enrolls an IPCP of a kind, which is created if there is none, as Bootstrap does.
func Enroll(ctx context.Context, h control.Handler, name string, k control.Kind, e control.EnrollConfig) error {
	return within(ctx, h, name, k, func() error { return h.Enroll(ctx, name, e) })
}

// within makes an IPCP a member of a layer.
func within(ctx context.Context, h control.Handler, name string, k control.Kind, enter func() error) error {
	i, found, err := Lookup(ctx, h, name)
	switch {
	case err != nil:
		return err
	case found && i.Kind != k:
		return fmt.Errorf("%w: %s is of type %s, not %s", core.ErrIPCPType, name, control.KindWord(i.Kind), control.KindWord(k))
	case found:
		return enter()
	}
	if err := h.CreateIPCP(ctx, name, k); err != nil {
		return err
	}
	if err := enter(); err != nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), control.ReplyTime)
		defer cancel()
		if e := h.DestroyIPCP(undo, name); e != nil {
			return fmt.Errorf("%w; the new IPCP could not be destroyed: %w", err, e)
		}
		return err
	}
	return nil
}
