package irm

import (
	"errors"
	"fmt"
	"slices"

	"ouroboros/core"
)

// entry is a name of this system.
type entry struct {
	name      core.Name
	public    bool        // registered also while nobody listens
	layers    []core.Name // where; none = the default
	listeners []*listener
	next      int // listener whose turn it is
}

// listener is one call of Listen.
type listener struct {
	accept func(core.Incoming)
}

// Register publishes a name in layers until Unregister, whether or not somebody listens (spec 13
// §13.1 rule 4); without layers, in the default ones. It replaces what the configuration or an earlier
// call said. A layer that this system has no IPCP in yet gets the name when its IPCP is added.
func (b *Broker) Register(n core.Name, layers ...core.Name) error {
	if err := n.Validate(); err != nil {
		return err
	}
	e := b.entry(n)
	e.public = true
	if len(layers) > 0 {
		e.layers = slices.Clone(layers)
	}
	return b.register(e)
}

// Unregister takes the name back. While somebody listens to it, it stays registered.
func (b *Broker) Unregister(n core.Name) error {
	e := b.names[n]
	if e == nil {
		return nil
	}
	e.public = false
	err := b.register(e)
	b.tidy(e)
	return err
}

// Listen has requests for the name handed to accept until stop is called. Who listens to the same name
// takes turns (round-robin). A request that accept does not answer within AcceptTimeout is refused.
// Listen fails when a layer refuses the name.
func (b *Broker) Listen(n core.Name, accept func(core.Incoming)) (stop func(), err error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	e := b.entry(n)
	l := &listener{accept: accept}
	e.listeners = append(e.listeners, l)
	stop = func() { b.stop(e, l) }
	if err := b.register(e); err != nil {
		stop()
		return nil, err
	}
	if b.unclaimed(e) {
		b.env.Post(func() { b.handOver(e) })
	}
	return stop, nil
}

func (b *Broker) stop(e *entry, l *listener) {
	i := slices.Index(e.listeners, l)
	if i < 0 {
		return
	}
	e.listeners = slices.Delete(e.listeners, i, i+1)
	if e.next > i {
		e.next--
	}
	// Taking a name back does not fail: Unregister has no error.
	_ = b.register(e)
	b.tidy(e)
}

func (b *Broker) entry(n core.Name) *entry {
	e := b.names[n]
	if e == nil {
		e = &entry{name: n, layers: b.cfg.Register[n]}
		b.names[n] = e
		b.sorted = append(b.sorted, e)
	}
	return e
}

// tidy forgets a name that is neither published nor listened to.
func (b *Broker) tidy(e *entry) {
	if e.public || len(e.listeners) > 0 {
		return
	}
	delete(b.names, e.name)
	if i := slices.Index(b.sorted, e); i >= 0 {
		b.sorted = slices.Delete(b.sorted, i, i+1)
	}
}

func (b *Broker) registerAll() error {
	var errs []error
	for _, e := range b.sorted {
		errs = append(errs, b.register(e))
	}
	return errors.Join(errs...)
}

// register brings the layers in line with where the name belongs.
func (b *Broker) register(e *entry) error {
	var errs []error
	for _, l := range b.layers {
		if !b.belongs(e, l) {
			l.drop(e)
			continue
		}
		if err := l.add(e); err != nil {
			errs = append(errs, fmt.Errorf("register %q in layer %q: %w", e.name, l.p.Layer().Name, err))
		}
	}
	return errors.Join(errs...)
}

// belongs reports whether the name is to be registered in the layer.
func (b *Broker) belongs(e *entry, l *layer) bool {
	info := l.p.Layer()
	switch {
	case !e.public && len(e.listeners) == 0, info.Kind == core.KindBroadcast:
		return false
	case len(e.layers) > 0:
		return slices.Contains(e.layers, info.Name)
	case info.Kind == core.KindUnicast || info.Kind == core.KindLocal:
		return true
	}
	return !slices.ContainsFunc(b.layers, func(o *layer) bool { return o.p.Layer().Kind == core.KindUnicast })
}

func (l *layer) add(e *entry) error {
	h := l.p.Layer().Hash.Sum(e.name)
	if l.names[h] == e {
		return nil
	}
	if err := l.p.Register(h); err != nil {
		return err
	}
	l.names[h] = e
	return nil
}

func (l *layer) drop(e *entry) {
	h := l.p.Layer().Hash.Sum(e.name)
	if l.names[h] == e {
		delete(l.names, h)
		l.p.Unregister(h)
	}
}
