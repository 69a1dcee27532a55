package irm

import (
	"fmt"
	"slices"

	"ouroboros/core"
)

// Balance says which of several listeners to a name gets the next request (spec 13 §13.1).
type Balance uint8

const (
	// RoundRobin has them take turns.
	RoundRobin Balance = 0
	// Spillover gives it to the one that answered last; another one gets it while that one is busy.
	Spillover Balance = 1
)

// String returns the word of the irm command.
func (p Balance) String() string {
	switch p {
	case RoundRobin:
		return "round-robin"
	case Spillover:
		return "spillover"
	}
	return fmt.Sprintf("balance %d", uint8(p))
}

// NameConfig is what the administrator says of a name when it is created.
type NameConfig struct {
	Balance Balance
	SecurityPaths
}

// SecurityPaths are files that stand in for those of the directory of a name, in either role (spec 11 §11.8,
// 13 §13.4). An empty one leaves the directory in force. See Files.Override.
type SecurityPaths struct {
	ServerEnc, ServerCrt, ServerKey string
	ClientEnc, ClientCrt, ClientKey string
}

// CreateName makes a name known. One that was created before stays as it is, which is a success; one that is
// there because something was bound to it, or because it was registered, gets the configuration. A name need
// not be created to be asked for, nor to be listened to (see the package comment).
func (b *Broker) CreateName(n core.Name, c NameConfig) error {
	if c.Balance > Spillover {
		return fmt.Errorf("%w: name %q: balance %d, accepted are 0 (round-robin) and 1 (spillover)", core.ErrInvalid, n, c.Balance)
	}
	e, err := b.entry(n)
	if err != nil {
		return err
	}
	if !e.created || e.implicit {
		e.cfg, e.created, e.implicit = c, true, false
	}
	return nil
}

// create returns the entry of a name that a bind or a registration is about.
func (b *Broker) create(n core.Name) (*entry, error) {
	e, err := b.entry(n)
	if err == nil && !e.created {
		e.created, e.implicit = true, true
		e.cfg.Balance = Spillover // spec 13 §13.1
	}
	return e, err
}

// DestroyName takes a name back, with what is bound to it. It stays registered in layers, and who listens to it
// by its name goes on (spec 13 §13.1 rule 3). An unknown name is an ErrName.
func (b *Broker) DestroyName(n core.Name) error {
	e := b.names[n]
	if e == nil || !e.created {
		return fmt.Errorf("%w: %q does not exist", core.ErrName, n)
	}
	e.created, e.implicit, e.cfg, e.autos = false, false, NameConfig{Balance: Spillover}, nil
	for _, p := range b.programs {
		p.names = remove(p.names, n)
	}
	b.programs = slices.DeleteFunc(b.programs, func(p *program) bool { return len(p.names) == 0 })
	for _, c := range b.clients {
		c.names = remove(c.names, n)
	}
	b.rebind()
	b.tidy(e)
	return nil
}

// NameConfig returns the configuration of a name, and whether it was created.
func (b *Broker) NameConfig(n core.Name) (NameConfig, bool) {
	e := b.names[n]
	if e == nil {
		return NameConfig{}, false
	}
	return e.cfg, e.created
}

// NameInfo describes a name.
type NameInfo struct {
	Name core.Name
	NameConfig
	Created   bool        // by the administrator; else it is there because somebody listens to it or it is registered
	Layers    []core.Name // in which it is registered now
	Programs  []string    // bound to it, by basename
	Processes []int       // bound to it by themselves
	Auto      []string    // command lines of the programs that are started for it; the last one is the first choice
	Listeners int         // who listens now
}

// Names describes the names of this system in the order in which they appeared.
func (b *Broker) Names() []NameInfo {
	out := make([]NameInfo, 0, len(b.sorted))
	for _, e := range b.sorted {
		i := NameInfo{Name: e.name, NameConfig: e.cfg, Created: e.created, Listeners: len(e.listeners)}
		for _, l := range b.layers {
			info := l.p.Layer()
			if l.names[info.Hash.Sum(e.name)] == e {
				i.Layers = append(i.Layers, info.Name)
			}
		}
		for _, p := range b.programs {
			if slices.Contains(p.names, e.name) {
				i.Programs = append(i.Programs, p.name)
			}
		}
		for _, c := range b.clients {
			if slices.Contains(c.names, e.name) {
				i.Processes = append(i.Processes, c.proc.PID)
			}
		}
		for _, a := range e.autos {
			i.Auto = append(i.Auto, a.String())
		}
		out = append(out, i)
	}
	return out
}

// remove returns a list without a name.
func remove(names []core.Name, n core.Name) []core.Name {
	if i := slices.Index(names, n); i >= 0 {
		return slices.Delete(names, i, i+1)
	}
	return names
}
