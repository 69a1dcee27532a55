package dir

import (
	"errors"
	"slices"

	"ouroboros/core"
	"ouroboros/core/policy"
)

// errNoNames is an error of whoever assembles a layer.
var errNoNames = errors.New(`directory policy "static": the layer has no table of names`)

// errNoAddress is returned for a registration before the member has an address.
var errNoAddress = errors.New("directory: this member has no address yet")

func staticFactory(names *Names) policy.Factory[Directory] {
	return policy.Factory[Directory]{
		Name: "static",
		Doc:  "one table that all members of the layer share, at no cost: for experiments on everything else",
		New: func(env core.Env, _ any) (Directory, error) {
			if names == nil {
				return nil, errNoNames
			}
			return &static{exec: env.Exec, names: names}, nil
		},
	}
}

// static answers from the shared table: what one member registers, all know at the same instant.
type static struct {
	exec    core.Exec
	names   *Names
	addr    uint64
	own     []core.Hash // in the order of their registration
	stopped bool
}

func (s *static) SetAddress(_ core.Time, addr uint64) {
	for _, h := range s.own {
		s.names.Remove(h, s.addr)
		s.names.Add(h, addr)
	}
	s.addr, s.stopped = addr, false
}

func (s *static) Register(_ core.Time, h core.Hash) error {
	if s.addr == 0 || s.stopped {
		return errNoAddress
	}
	if !slices.Contains(s.own, h) {
		s.own = append(s.own, h)
		s.names.Add(h, s.addr)
	}
	return nil
}

func (s *static) Unregister(_ core.Time, h core.Hash) {
	if i := slices.Index(s.own, h); i >= 0 {
		s.own = slices.Delete(s.own, i, i+1)
		s.names.Remove(h, s.addr)
	}
}

// Query looks the digest up when the posted answer runs, so that a registration at the same instant
// counts and a member that has stopped does not answer.
func (s *static) Query(_ core.Time, h core.Hash, done func(addrs []uint64)) (cancel func()) {
	canceled := false
	s.exec.Post(func() {
		if !canceled && !s.stopped {
			done(s.names.Lookup(h))
		}
	})
	return func() { canceled = true }
}

func (s *static) Stop(core.Time) {
	for _, h := range s.own {
		s.names.Remove(h, s.addr)
	}
	s.own, s.stopped = nil, true
}

// Registered hands out what this member has registered, in the order of registration.
func (s *static) Registered(yield func(core.Hash)) {
	for _, h := range s.own {
		yield(h)
	}
}
