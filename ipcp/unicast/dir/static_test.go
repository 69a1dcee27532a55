package dir

import (
	"slices"
	"testing"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// posts is an Exec that runs what was posted when told.
type posts struct {
	clock.Exec
	fns []func()
}

func (p *posts) Post(fn func()) { p.fns = append(p.fns, fn) }

func (p *posts) run() {
	fns := p.fns
	p.fns = nil
	for _, fn := range fns {
		fn()
	}
}

type layer struct {
	t     *testing.T
	exec  posts
	names *Names
}

func (l *layer) member(addr uint64) Directory {
	l.t.Helper()
	c, err := Policies(l.names).Choose("static", nil)
	if err != nil {
		l.t.Fatal(err)
	}
	d, err := c.New(core.Env{Exec: &l.exec})
	if err != nil {
		l.t.Fatal(err)
	}
	d.SetAddress(0, addr)
	return d
}

// expect asks d for a digest and compares the addresses.
func (l *layer) expect(d Directory, h core.Hash, want ...uint64) {
	l.t.Helper()
	calls := 0
	d.Query(0, h, func(addrs []uint64) {
		calls++
		if !slices.Equal(addrs, want) {
			l.t.Errorf("%s: %v, want %v", h, addrs, want)
		}
	})
	if calls != 0 {
		l.t.Error("answered on the stack of the query")
	}
	l.exec.run()
	if calls != 1 {
		l.t.Errorf("answered %d times, want once", calls)
	}
}

func newLayer(t *testing.T) *layer { return &layer{t: t, names: NewNames()} }

// TestNamesAreSharedByTheLayer: what one member registers all find, in the order of registration (spec
// 05 §6.3); twice is once (§6.1); unregistering takes back the own address only.
func TestNamesAreSharedByTheLayer(t *testing.T) {
	l := newLayer(t)
	a, b := l.member(20), l.member(10)
	l.expect(a, "web")
	for _, d := range []Directory{a, b, a} {
		if err := d.Register(0, "web"); err != nil {
			t.Fatal(err)
		}
	}
	l.expect(a, "web", 20, 10)
	l.expect(b, "web", 20, 10)
	l.expect(b, "mail")
	a.Unregister(0, "web")
	a.Unregister(0, "mail")
	l.expect(a, "web", 10)
	b.Unregister(0, "web")
	l.expect(a, "web")
}

// TestRegistrationsFollowTheAddress: decision 6. A member with a new address is found there.
func TestRegistrationsFollowTheAddress(t *testing.T) {
	l := newLayer(t)
	a := l.member(20)
	if err := a.Register(0, "web"); err != nil {
		t.Fatal(err)
	}
	a.SetAddress(0, 21)
	l.expect(a, "web", 21)
	a.Unregister(0, "web")
	l.expect(a, "web")
}

// TestCanceledAndStopped: a canceled query is not answered, nor one of a member that has stopped, and a
// stopped member is not found.
func TestCanceledAndStopped(t *testing.T) {
	l := newLayer(t)
	a, b := l.member(1), l.member(2)
	if err := a.Register(0, "web"); err != nil {
		t.Fatal(err)
	}
	answered := func([]uint64) { t.Error("answered") }
	b.Query(0, "web", answered)()
	l.exec.run()
	a.Query(0, "web", answered)
	a.Stop(0)
	l.exec.run()
	l.expect(b, "web")
	if err := a.Register(0, "web"); err == nil {
		t.Error("a stopped member registers")
	}
}

// TestStaticNeedsATable: a layer without one is an error of its assembly, and so is a registration
// before there is an address.
func TestStaticNeedsATable(t *testing.T) {
	c, err := Policies(nil).Choose("static", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.New(core.Env{}); err == nil {
		t.Error("made without a table")
	}
	if err := newLayer(t).member(0).Register(0, "web"); err == nil {
		t.Error("registered without an address")
	}
}

// TestAnswerBelongsToTheAsker: changing it does not change the table.
func TestAnswerBelongsToTheAsker(t *testing.T) {
	n := NewNames()
	n.Add("web", 1)
	n.Add("web", 2)
	n.Lookup("web")[0] = 9
	if got := n.Lookup("web"); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("%v", got)
	}
}
