package irm

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"ouroboros/core"
)

// MaxPrograms is how many programs names can be bound to at a time.
const MaxPrograms = 1024

// program is a program that names are bound to. It is known by the last element of its path alone, so that
// binaries of one name share what is bound (spec 13 §13.1 rule 2).
type program struct {
	name  string
	names []core.Name
	until core.Time // it was started and has this long to listen
}

// auto is a program that is started when a name is asked for and nobody listens.
type auto struct {
	path string
	args []string
}

// String returns the command line.
func (a auto) String() string { return strings.Join(append([]string{a.path}, a.args...), " ") }

// BindProgram binds a name to a program: the processes that run it listen to the name when they listen to
// whatever is bound to them, also those that run already (the prototype binds only later ones). With auto set
// the program, a path, is started with args when a request for the name finds nobody listening; the latest bind
// says whether and how. The name is created if there is none.
func (b *Broker) BindProgram(file string, n core.Name, start bool, args []string) error {
	base := path.Base(file)
	if file == "" || base == "." || base == "/" {
		return fmt.Errorf("%w: program %q: accepted is the path of a file", core.ErrInvalid, file)
	}
	p := b.program(base)
	if p == nil && len(b.programs) >= MaxPrograms {
		return fmt.Errorf("%w: names are bound to %d programs, the most there can be", core.ErrAgain, MaxPrograms)
	}
	e, err := b.create(n)
	if err != nil {
		return err
	}
	if p == nil {
		p = &program{name: base}
		b.programs = append(b.programs, p)
	}
	if !slices.Contains(p.names, n) {
		p.names = append(p.names, n)
	}
	e.withdraw(base)
	if start {
		e.autos = append(e.autos, auto{file, slices.Clone(args)})
	}
	b.rebind()
	return nil
}

// UnbindProgram takes a bind back, with its auto start; with n empty, all of the program. The program is named by
// its path or its basename. What was not bound is an ErrName.
func (b *Broker) UnbindProgram(file string, n core.Name) error {
	p := b.program(path.Base(file))
	if p == nil || n != "" && !slices.Contains(p.names, n) {
		return notBound("program", path.Base(file), n)
	}
	for _, x := range slices.Clone(p.names) {
		if n == "" || n == x {
			p.names = remove(p.names, x)
			if e := b.names[x]; e != nil {
				e.withdraw(p.name)
			}
		}
	}
	if len(p.names) == 0 {
		b.programs = slices.DeleteFunc(b.programs, func(o *program) bool { return o == p })
	}
	b.rebind()
	return nil
}

// BindProcess binds a name to a process that is attached; the bind ends with it. An unknown process is an
// ErrInvalid. The name is created if there is none.
func (b *Broker) BindProcess(pid int, n core.Name) error {
	c := b.client(pid)
	if c == nil {
		return fmt.Errorf("%w: there is no process %d that uses this system", core.ErrInvalid, pid)
	}
	if _, err := b.create(n); err != nil {
		return err
	}
	if !slices.Contains(c.names, n) {
		c.names = append(c.names, n)
	}
	b.rebind()
	return nil
}

// UnbindProcess takes a bind of a process back; with n empty, all of them. What was not bound is an ErrName.
func (b *Broker) UnbindProcess(pid int, n core.Name) error {
	found := false
	for _, c := range b.clients {
		if c.proc.PID == pid && (n == "" && len(c.names) > 0 || slices.Contains(c.names, n)) {
			found = true
			if n == "" {
				c.names = nil
			} else {
				c.names = remove(c.names, n)
			}
		}
	}
	if !found {
		return notBound("process", fmt.Sprint(pid), n)
	}
	b.rebind()
	return nil
}

func notBound(kind, what string, n core.Name) error {
	if n == "" {
		return fmt.Errorf("%w: no name is bound to %s %s", core.ErrName, kind, what)
	}
	return fmt.Errorf("%w: %q is not bound to %s %s", core.ErrName, n, kind, what)
}

// withdraw takes back that a program is started for the name.
func (e *entry) withdraw(base string) {
	e.autos = slices.DeleteFunc(e.autos, func(a auto) bool { return path.Base(a.path) == base })
}

// program returns the program of that basename, nil if nothing is bound to it.
func (b *Broker) program(base string) *program {
	for _, p := range b.programs {
		if p.name == base {
			return p
		}
	}
	return nil
}

// bound returns the names that a process listens to when it listens to whatever is bound to it.
func (b *Broker) bound(c *Client) []core.Name {
	names := slices.Clone(c.names)
	if p := b.program(c.proc.Program); p != nil {
		for _, n := range p.names {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	return names
}

// rebind brings the listeners to bound names in line with the binds.
func (b *Broker) rebind() {
	for _, c := range b.clients {
		for _, l := range c.listeners {
			if l.wild {
				b.follow(l)
			}
		}
	}
}

// follow has a listener listen to the names that are bound to its process, and to no other.
func (b *Broker) follow(l *listener) {
	want := b.bound(l.c)
	for _, n := range slices.Clone(l.names) {
		if !slices.Contains(want, n) {
			b.leave(l, n)
		}
	}
	for _, n := range want {
		if !slices.Contains(l.names, n) {
			// A bound name is created, so that there is room for it; a layer that refuses it stays without.
			_ = b.enter(l, n)
		}
	}
}

// start has the program that was bound last to a name started, when nobody listens. One that was started
// before and may still come to listen is not started twice.
func (b *Broker) start(e *entry) {
	if b.cfg.Spawn == nil || len(e.autos) == 0 {
		return
	}
	a := e.autos[len(e.autos)-1]
	p := b.program(path.Base(a.path))
	if p == nil || b.env.Now().Before(p.until) {
		return
	}
	b.stats.Started++
	if err := b.cfg.Spawn(a.path, a.args); err != nil {
		b.stats.StartFailed++
		return
	}
	p.until = b.env.Now().Add(AcceptTimeout)
}
