package daemon

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
	"ouroboros/ipcp"
)

var _ control.Handler = (*System)(nil)

// CreateIPCP makes an IPCP that is in no layer yet.
func (s *System) CreateIPCP(_ context.Context, name string, kind control.Kind) error {
	return s.call(func() error {
		_, err := s.create(name, kind)
		return err
	})
}

// DestroyIPCP ends an IPCP; of an unknown name it is a success. What it was doing fails with core.ErrIPCPState.
func (s *System) DestroyIPCP(_ context.Context, name string) error {
	return s.call(func() error {
		if m := s.find(name); m != nil {
			m.destroy()
		}
		return nil
	})
}

// ListIPCPs lists all IPCPs in the order in which flows are asked for: by kind, then by number.
func (s *System) ListIPCPs(context.Context) (out []control.IPCPInfo, err error) {
	err = s.call(func() error {
		for _, m := range s.members {
			out = append(out, m.info())
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b control.IPCPInfo) int { return cmp.Compare(a.Kind, b.Kind) })
	return out, err
}

// Bootstrap makes the IPCP the first member of a layer.
func (s *System) Bootstrap(_ context.Context, name string, b control.BootstrapConfig) error {
	return s.call(func() error {
		m, err := s.member(name)
		if err != nil {
			return err
		}
		return m.bootstrap(&b)
	})
}

// bootstrap makes the IPCP the first member of a layer that this system does not have yet.
func (m *member) bootstrap(b *control.BootstrapConfig) error {
	if b.Kind != m.kind {
		return fmt.Errorf("%w: IPCP %q is of type %s, not %s", core.ErrIPCPType, m.name, control.KindWord(m.kind), control.KindWord(b.Kind))
	}
	layer := core.Name(b.Layer)
	if err := layer.Validate(); err != nil {
		return fmt.Errorf("%w: layer: %w", core.ErrInvalid, err)
	}
	if err := m.ready(); err != nil {
		return err
	}
	if o := m.s.inLayer(layer); o != nil {
		return fmt.Errorf("%w: there is a layer %q on this system, that of IPCP %q: choose another name, or enroll in that layer", core.ErrInvalid, layer, o.name)
	}
	if err := m.begin(b); err != nil {
		return fmt.Errorf("IPCP %q: %w", m.name, err)
	}
	if err := m.entered(b.Autobind); err != nil {
		return err
	}
	m.s.log.Info(fmt.Sprintf("Bootstrapped IPCP %d.", m.number), "name", string(m.name), "layer", b.Layer)
	return nil
}

// begin makes the layer.
func (m *member) begin(b *control.BootstrapConfig) error {
	if j, ok := m.p.(joiner); ok {
		return j.bootstrap(b)
	}
	p, err := m.s.newBase(m, b)
	if err == nil {
		m.p = p
	}
	return err
}

// Enroll makes the IPCP a member of a layer that exists, within 20 s.
func (s *System) Enroll(ctx context.Context, name string, e control.EnrollConfig) error {
	if e.Dst == "" {
		e.Dst = e.Layer
	}
	if e.Dst == "" {
		return fmt.Errorf("%w: enroll IPCP %q: neither a layer nor a destination is given", core.ErrInvalid, name)
	}
	return s.await(ctx, func(done func(error)) (func(), error) {
		m, err := s.member(name)
		if err != nil {
			return nil, err
		}
		j, err := m.joiner()
		if err == nil {
			err = m.ready()
		}
		if err != nil {
			return nil, err
		}
		return j.enroll(core.Name(e.Dst), func(err error) {
			if err == nil {
				err = m.enrolled(j, &e)
			}
			done(err)
		}), nil
	})
}

// enrolled takes a newcomer in, if the layer is one that it can be in.
func (m *member) enrolled(j joiner, e *control.EnrollConfig) error {
	layer := j.Layer()
	err := m.fits(layer, e.Layer)
	if err != nil {
		// One that has left does not come back: the member gets another, in state boot.
		m.end()
		if e := m.revive(); e != nil {
			m.destroy()
			return e
		}
		return err
	}
	if err := m.entered(e.Autobind); err != nil {
		return err
	}
	m.s.log.Info(fmt.Sprintf("Enrolled IPCP %d in layer %s.", m.number, layer.Name), "name", string(m.name))
	return nil
}

// fits reports why the layer that was found is not to be joined.
func (m *member) fits(layer core.LayerInfo, want string) error {
	if want != "" && string(layer.Name) != want {
		return fmt.Errorf("%w: the layer found is %q, not %q", core.ErrName, layer.Name, want)
	}
	for _, o := range m.s.members {
		if o != m && o.in() && o.layer().Name == layer.Name && o.kind != m.kind {
			return fmt.Errorf("%w: there is a layer %q of another kind on this system, that of IPCP %q, which is %s", core.ErrInvalid, layer.Name, o.name, control.KindWord(o.kind))
		}
	}
	return nil
}

// Connect connects components of the IPCP to another member and keeps the connections up until Disconnect. One
// that cannot be made within 20 s is given up. One that stands or is being made stays as it is.
func (s *System) Connect(ctx context.Context, name string, c control.ConnectConfig) error {
	qos, known := control.QoS(c.QoS)
	if !known {
		return fmt.Errorf("%w: QoS %q, accepted are %v", core.ErrInvalid, c.QoS, control.QoSWords())
	}
	dst := core.Name(c.Dst)
	if err := dst.Validate(); err != nil {
		return fmt.Errorf("%w: destination: %w", core.ErrInvalid, err)
	}
	return s.await(ctx, func(done func(error)) (func(), error) {
		m, err := s.member(name)
		if err != nil {
			return nil, err
		}
		j, err := m.joiner()
		if err != nil {
			return nil, err
		}
		if !m.in() {
			return nil, fmt.Errorf("%w: IPCP %q is in no layer", core.ErrIPCPState, name)
		}
		comp, err := m.lacks(dst, c.Components, qos)
		if err != nil {
			return nil, err
		}
		if comp == 0 {
			s.env.Post(func() { done(nil) })
			return func() {}, nil
		}
		m.want(dst, comp, qos)
		giveUp := func() { m.disconnect(dst, comp) }
		m.connect(j, dst, comp, qos, func(err error) {
			if err != nil && m.p == process(j) {
				giveUp()
			}
			done(err)
		})
		return giveUp, nil
	})
}

// connect connects one component after the other, management first, up to the first that fails.
func (m *member) connect(j joiner, dst core.Name, comp ipcp.Components, qos core.QoS, done func(error)) {
	if comp != ipcp.Both {
		j.connect(dst, comp, qos, done)
		return
	}
	j.connect(dst, ipcp.Mgmt, qos, func(err error) {
		if err != nil {
			done(err)
			return
		}
		j.connect(dst, ipcp.DT, qos, done)
	})
}

// lacks returns which of the components are not connected to the peer, nor about to be.
func (m *member) lacks(dst core.Name, comp ipcp.Components, qos core.QoS) (ipcp.Components, error) {
	if comp == 0 {
		comp = ipcp.Both
	}
	if m.kind == core.KindBroadcast {
		if comp == ipcp.Mgmt {
			return 0, fmt.Errorf("%w: IPCP %q is of type broadcast, which has no component mgmt to connect", core.ErrUnsupp, m.name)
		}
		comp = ipcp.DT
	}
	for _, l := range m.links {
		if l.dst != dst || comp&l.comp == 0 {
			continue
		}
		if l.comp == ipcp.DT && l.qos != qos {
			return 0, fmt.Errorf("%w: IPCP %q is connected to %q with another QoS: disconnect it first", core.ErrInvalid, m.name, dst)
		}
		comp &^= l.comp
	}
	return comp, nil
}

// want notes that an operator has asked for connections.
func (m *member) want(dst core.Name, comp ipcp.Components, qos core.QoS) {
	for _, c := range []ipcp.Components{ipcp.Mgmt, ipcp.DT} {
		if comp&c != 0 {
			m.links = append(m.links, link{dst, c, qos})
		}
	}
}

// disconnect takes connections back.
func (m *member) disconnect(dst core.Name, comp ipcp.Components) {
	m.links = slices.DeleteFunc(m.links, func(l link) bool { return l.dst == dst && comp&l.comp != 0 })
	if j, ok := m.p.(joiner); ok {
		j.disconnect(dst, comp)
	}
}

// Disconnect takes back what Connect did; where there is nothing it is a success (spec 07 §3.2).
func (s *System) Disconnect(_ context.Context, name, dst string, comp control.Components) error {
	return s.call(func() error {
		m, err := s.member(name)
		if err == nil {
			_, err = m.joiner()
		}
		if err != nil {
			return err
		}
		if comp == 0 {
			comp = ipcp.Both
		}
		if m.kind == core.KindBroadcast && comp&ipcp.DT == 0 {
			return nil
		}
		m.disconnect(core.Name(dst), comp)
		return nil
	})
}

// Shape puts impairments on the link of a shim; zero specs take them away.
func (s *System) Shape(_ context.Context, name string, out, in core.LinkSpec) error {
	return s.call(func() error {
		m, err := s.member(name)
		if err != nil {
			return err
		}
		b, ok := m.p.(*base)
		if !ok || b.shaper == nil {
			return fmt.Errorf("%w: IPCP %q has no link to shape: it is of type %s, and in state %s", core.ErrUnsupp, m.name, control.KindWord(m.kind), m.state())
		}
		return b.shape(out, in)
	})
}
