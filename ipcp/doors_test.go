package ipcp

import (
	"errors"
	"slices"
	"testing"

	"ouroboros/core"
)

// porter is an allocator that only listens; it refuses one name.
type porter struct {
	core.Allocator
	names   []core.Name
	refuses core.Name
}

func (p *porter) Listen(n core.Name, _ func(core.Incoming)) (stop func(), err error) {
	if n == p.refuses {
		return nil, core.ErrIPCPState
	}
	p.names = append(p.names, n)
	return func() { p.names = slices.DeleteFunc(p.names, func(x core.Name) bool { return x == n }) }, nil
}

// TestNamesThatAnIPCPListensTo: its own from Open on, and with Autobind that of its layer while it is a
// member, whichever comes first.
func TestNamesThatAnIPCPListensTo(t *testing.T) {
	open := func(d *Doors, l *Life) error { return d.Open(l, "net") }
	enter := func(d *Doors, l *Life) error {
		d.Entered("net")
		l.Become(Operational)
		return nil
	}
	leave := func(d *Doors, l *Life) error {
		l.Become(Shutdown)
		d.Close()
		return nil
	}
	for _, tc := range []struct {
		what     string
		autobind bool
		refuses  core.Name
		steps    []func(*Doors, *Life) error
		want     []core.Name
		err      error // of the last step
	}{
		{what: "not open", autobind: true, steps: []func(*Doors, *Life) error{enter}},
		{what: "open before the layer", autobind: true, steps: []func(*Doors, *Life) error{open}, want: []core.Name{"own"}},
		{what: "open, then member", autobind: true, steps: []func(*Doors, *Life) error{open, enter}, want: []core.Name{"own", "net"}},
		{what: "member, then open", autobind: true, steps: []func(*Doors, *Life) error{enter, open}, want: []core.Name{"own", "net"}},
		{what: "without Autobind", steps: []func(*Doors, *Life) error{open, enter}, want: []core.Name{"own"}},
		{what: "open twice", autobind: true, steps: []func(*Doors, *Life) error{enter, open, open}, want: []core.Name{"own", "net"}},
		{what: "left", autobind: true, steps: []func(*Doors, *Life) error{open, enter, leave}},
		{what: "open after the life", autobind: true, steps: []func(*Doors, *Life) error{leave, open}, err: core.ErrIPCPState},
		{what: "own name refused", refuses: "own", steps: []func(*Doors, *Life) error{enter, open}, err: core.ErrIPCPState},
		{what: "layer refused on entering", autobind: true, refuses: "net", steps: []func(*Doors, *Life) error{open, enter}, want: []core.Name{"own"}},
		{
			what: "layer refused on opening", autobind: true, refuses: "net", steps: []func(*Doors, *Life) error{enter, open},
			want: []core.Name{"own"}, err: core.ErrIPCPState,
		},
	} {
		p, l := &porter{refuses: tc.refuses}, NewLife()
		d := Doors{Alloc: p, Own: "own", Autobind: tc.autobind}
		var err error
		for _, step := range tc.steps {
			err = step(&d, &l)
		}
		if !slices.Equal(p.names, tc.want) || !errors.Is(err, tc.err) {
			t.Errorf("%s: listens to %q, %v; want %q, %v", tc.what, p.names, err, tc.want, tc.err)
		}
	}
}

// TestObserverHearsEachChangeOnce: a state that stays is no change.
func TestObserverHearsEachChangeOnce(t *testing.T) {
	l := NewLife()
	var heard []State
	l.OnState(func(s State) { heard = append(heard, s) })
	for _, s := range []State{Boot, Init, Init, Operational, Shutdown, Shutdown} {
		l.Become(s)
	}
	if want := []State{Init, Operational, Shutdown}; !slices.Equal(heard, want) || l.State() != Shutdown {
		t.Errorf("heard %v, now %v; want %v", heard, l.State(), want)
	}
}
