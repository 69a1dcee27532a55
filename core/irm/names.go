package irm

import (
	"errors"
	"fmt"
	"slices"

	"ouroboros/core"
)

// MaxNames is how many names a system can have at a time.
const MaxNames = 16_384

// entry is a name of this system.
type entry struct {
	name      core.Name
	cfg       NameConfig
	created   bool        // the administrator has created it or bound something to it
	implicit  bool        // by a bind or a registration alone
	public    bool        // registered also while nobody listens
	layers    []core.Name // where; none = the default
	published []core.Name // layers that RegisterName has named
	listeners []*listener // in the order in which they are chosen
	next      int         // listener whose turn it is (RoundRobin)
	autos     []auto      // programs that are started for it; the last one bound is the last
}

// Register publishes a name in layers until Unregister, whether or not somebody listens (spec 13
// §13.1 rule 4); without layers, in the default ones. It replaces what the configuration or an earlier
// call said. A layer that this system has no IPCP in yet gets the name when its IPCP is added.
func (b *Broker) Register(n core.Name, layers ...core.Name) error {
	e, err := b.entry(n)
	if err != nil {
		return err
	}
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

// RegisterName publishes a name in one layer until UnregisterName, whether or not somebody listens, beside
// where it is already. The name is created if there is none. A layer that this system has no IPCP in is an
// ErrIPCP, one that has no names an ErrUnsupp. When the IPCP leaves and another one of the layer is added, the name is
// registered there again.
func (b *Broker) RegisterName(n, layer core.Name) error {
	kinds := 0
	for _, l := range b.layers {
		if info := l.p.Layer(); info.Name == layer {
			kinds++
			if info.Kind == core.KindBroadcast {
				return fmt.Errorf("%w: layer %q is a broadcast layer and has no names", core.ErrUnsupp, layer)
			}
		}
	}
	if kinds == 0 {
		return fmt.Errorf("%w: no IPCP of this system is in layer %q", core.ErrIPCP, layer)
	}
	e, err := b.create(n)
	if err != nil {
		return err
	}
	if slices.Contains(e.published, layer) {
		return nil
	}
	e.published = append(e.published, layer)
	if err := b.register(e); err != nil {
		e.published = e.published[:len(e.published)-1]
		return errors.Join(err, b.register(e))
	}
	return nil
}

// UnregisterName takes the name back from a layer; one that is not registered there is a success.
func (b *Broker) UnregisterName(n, layer core.Name) error {
	e := b.names[n]
	if e == nil {
		return nil
	}
	if i := slices.Index(e.published, layer); i >= 0 {
		e.published = slices.Delete(e.published, i, i+1)
	}
	err := b.register(e)
	b.tidy(e)
	return err
}

// entry returns the entry of a name, a new one if there is none. One that is used for nothing is dropped by
// tidy.
func (b *Broker) entry(n core.Name) (*entry, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	e := b.names[n]
	if e == nil {
		if len(b.names) >= MaxNames {
			return nil, fmt.Errorf("%w: this system has %d names, the most that it can have", core.ErrAgain, MaxNames)
		}
		e = &entry{name: n, layers: b.cfg.Register[n]}
		if b.cfg.Explicit {
			e.cfg.Balance = Spillover // of names that nobody has created (spec 13 §13.1)
		}
		b.names[n] = e
		b.sorted = append(b.sorted, e)
	}
	return e, nil
}

// tidy forgets a name that is of no use to anybody.
func (b *Broker) tidy(e *entry) {
	if e.created || e.public || len(e.published) > 0 || len(e.listeners) > 0 {
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
	case info.Kind == core.KindBroadcast:
		return false
	case slices.Contains(e.published, info.Name):
		return true
	case b.cfg.Explicit:
		return e.public && slices.Contains(e.layers, info.Name)
	case !e.public && len(e.listeners) == 0:
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
