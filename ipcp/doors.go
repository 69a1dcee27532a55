package ipcp

import (
	"fmt"

	"ouroboros/core"
)

// Doors are the names that an IPCP listens to in the layers below: its own, which the broker registers
// there, and with Autobind that of its layer, as soon as it is a member.
type Doors struct {
	Alloc core.Allocator
	Own   core.Name // of the IPCP
	// Autobind has it listen to the name of its layer too.
	Autobind bool
	Incoming func(core.Incoming) // takes whoever comes

	open  bool
	stops []func()
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
	if !d.Autobind || layer == d.Own {
		return nil
	}
	return d.listen(layer)
}

func (d *Doors) listen(n core.Name) error {
	stop, err := d.Alloc.Listen(n, d.Incoming)
	if err != nil {
		return fmt.Errorf("ipcp %s: %w", d.Own, err)
	}
	d.stops = append(d.stops, stop)
	return nil
}

// Close stops listening, for good: the life of the IPCP is over.
func (d *Doors) Close() {
	for _, stop := range d.stops {
		stop()
	}
	d.stops = nil
}
