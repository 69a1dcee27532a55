package ipcp

import (
	"fmt"
	"slices"

	"ouroboros/core"
)

// Doors are the names that an IPCP listens to in the layers below: its own, which the broker registers
// there, with Autobind that of its layer, as soon as it is a member, and those that it is bound to besides.
type Doors struct {
	Alloc core.Allocator
	Own   core.Name // of the IPCP
	// Autobind has it listen to the name of its layer too.
	Autobind bool
	Incoming func(core.Incoming) // takes whoever comes

	open bool
	list []door
}

// door is one name.
type door struct {
	name core.Name
	stop func()
}

// Open listens, once: further calls do nothing. layer is the name of the layer of an operational IPCP, and
// not looked at in any other state; it fails with core.ErrIPCPState after the life.
func (d *Doors) Open(l *Life, layer core.Name) error {
	if l.State() == Shutdown {
		return core.ErrIPCPState
	}
	if d.open {
		return nil
	}
	if err := d.listen(d.Own); err != nil {
		return err
	}
	d.open = true
	if l.Operational() {
		return d.listenToLayer(layer)
	}
	return nil
}

// Entered tells that the IPCP becomes a member of a layer. A lower layer that refuses the name of it stays
// without it.
func (d *Doors) Entered(layer core.Name) {
	if d.open {
		_ = d.listenToLayer(layer)
	}
}

func (d *Doors) listenToLayer(layer core.Name) error {
	if !d.Autobind {
		return nil
	}
	return d.listen(layer)
}

// Serve has the IPCP listen to one more name, in any state of its life but the last; to one that it listens to
// already it is a success.
func (d *Doors) Serve(l *Life, n core.Name) error {
	if l.State() == Shutdown {
		return core.ErrIPCPState
	}
	return d.listen(n)
}

// Stop has the IPCP not listen to a name any more, whatever made it do so, and reports whether it did.
func (d *Doors) Stop(n core.Name) bool {
	i := slices.IndexFunc(d.list, func(o door) bool { return o.name == n })
	if i < 0 {
		return false
	}
	stop := d.list[i].stop
	d.list = slices.Delete(d.list, i, i+1)
	stop()
	return true
}

// Names returns the names that the IPCP listens to, in the order in which they came.
func (d *Doors) Names() []core.Name {
	var names []core.Name
	for _, o := range d.list {
		names = append(names, o.name)
	}
	return names
}

func (d *Doors) listen(n core.Name) error {
	if slices.ContainsFunc(d.list, func(o door) bool { return o.name == n }) {
		return nil
	}
	stop, err := d.Alloc.Listen(n, d.Incoming)
	if err != nil {
		return fmt.Errorf("ipcp %s: %w", d.Own, err)
	}
	d.list = append(d.list, door{n, stop})
	return nil
}

// Close stops listening, for good: the life of the IPCP is over.
func (d *Doors) Close() {
	for _, o := range d.list {
		o.stop()
	}
	d.list = nil
}
