package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
	"ouroboros/core/irm"
)

// BindProgram binds a program to a name.
func (s *System) BindProgram(_ context.Context, program, name string, auto bool, args []string) error {
	if auto {
		if err := executable(program); err != nil {
			return err
		}
	}
	return s.call(func() error { return s.broker.BindProgram(program, core.Name(name), auto, args) })
}

// executable reports why a program cannot be started.
func executable(program string) error {
	if !filepath.IsAbs(program) {
		return fmt.Errorf("%w: program %q: a program that is started is given by its whole path", core.ErrInvalid, program)
	}
	st, err := os.Stat(program)
	switch {
	case err != nil:
		return fmt.Errorf("%w: program: %w", core.ErrInvalid, err)
	case !st.Mode().IsRegular() || st.Mode()&0o111 == 0:
		return fmt.Errorf("%w: program %q cannot be executed", core.ErrPerm, program)
	}
	return nil
}

// UnbindProgram takes bindings of a program back.
func (s *System) UnbindProgram(_ context.Context, program, name string) error {
	return s.call(func() error { return s.broker.UnbindProgram(program, core.Name(name)) })
}

// BindProcess binds a process that runs to a name.
func (s *System) BindProcess(_ context.Context, pid int, name string) error {
	if pid <= 0 {
		return fmt.Errorf("%w: process %d, accepted are 1 and more", core.ErrInvalid, pid)
	}
	return s.call(func() error { return s.broker.BindProcess(pid, core.Name(name)) })
}

// UnbindProcess takes bindings of a process back.
func (s *System) UnbindProcess(_ context.Context, pid int, name string) error {
	if pid <= 0 {
		return fmt.Errorf("%w: process %d, accepted are 1 and more", core.ErrInvalid, pid)
	}
	return s.call(func() error { return s.broker.UnbindProcess(pid, core.Name(name)) })
}

// BindIPCP has an IPCP listen to a name.
func (s *System) BindIPCP(_ context.Context, ipcp, name string) error {
	return s.withJoiner(ipcp, func(m *member, j joiner) error { return m.bind(j, core.Name(name)) })
}

// UnbindIPCP has an IPCP listen to a name no more, or to none.
func (s *System) UnbindIPCP(_ context.Context, ipcp, name string) error {
	return s.withJoiner(ipcp, func(m *member, j joiner) error {
		found := false
		for _, n := range j.Serving() {
			if name == "" || name == string(n) {
				found = j.StopServing(n) || found
			}
		}
		if !found {
			return fmt.Errorf("%w: %q is not bound to IPCP %q", core.ErrName, name, m.name)
		}
		return nil
	})
}

// withJoiner runs fn with an IPCP that can have names.
func (s *System) withJoiner(name string, fn func(*member, joiner) error) error {
	return s.call(func() error {
		m, err := s.member(name)
		if err != nil {
			return err
		}
		j, err := m.joiner()
		if err != nil {
			return err
		}
		return fn(m, j)
	})
}

// CreateName makes a name known. The files that are given must be there.
func (s *System) CreateName(_ context.Context, name string, c control.NameConfig) error {
	for _, f := range []string{c.ServerEnc, c.ServerCrt, c.ServerKey, c.ClientEnc, c.ClientCrt, c.ClientKey} {
		if f == "" {
			continue
		}
		if !filepath.IsAbs(f) {
			return fmt.Errorf("%w: name %q: file %q: accepted is a whole path", core.ErrInvalid, name, f)
		}
		if _, err := os.Stat(f); err != nil {
			return fmt.Errorf("%w: name %q: %w", core.ErrInvalid, name, err)
		}
	}
	return s.call(func() error {
		err := s.broker.CreateName(core.Name(name), irm.NameConfig{
			Balance: irm.Balance(c.Balance),
			SecurityPaths: irm.SecurityPaths{
				ServerEnc: c.ServerEnc, ServerCrt: c.ServerCrt, ServerKey: c.ServerKey,
				ClientEnc: c.ClientEnc, ClientCrt: c.ClientCrt, ClientKey: c.ClientKey,
			},
		})
		if err == nil {
			s.log.Info("Created new name: " + name + ".")
		}
		return err
	})
}

// DestroyName forgets a name and what is bound to it.
func (s *System) DestroyName(_ context.Context, name string) error {
	return s.call(func() error { return s.broker.DestroyName(core.Name(name)) })
}

// ListNames lists all names, sorted.
func (s *System) ListNames(context.Context) (out []control.NameInfo, err error) {
	err = s.call(func() error {
		for _, n := range s.broker.Names() {
			out = append(out, s.nameInfo(n))
		}
		return nil
	})
	slices.SortFunc(out, func(a, b control.NameInfo) int { return cmp.Compare(a.Name, b.Name) })
	return out, err
}

func (s *System) nameInfo(n irm.NameInfo) control.NameInfo {
	i := control.NameInfo{
		Name: string(n.Name), Programs: slices.Clone(n.Programs), Processes: n.Processes, Active: n.Listeners,
		NameConfig: control.NameConfig{
			Balance:   control.Balance(n.Balance),
			ServerEnc: n.ServerEnc, ServerCrt: n.ServerCrt, ServerKey: n.ServerKey,
			ClientEnc: n.ClientEnc, ClientCrt: n.ClientCrt, ClientKey: n.ClientKey,
		},
	}
	for _, l := range n.Layers {
		if !slices.Contains(i.Layers, string(l)) { // two IPCPs can be in one layer
			i.Layers = append(i.Layers, string(l))
		}
	}
	for _, m := range s.members {
		if j, ok := m.p.(joiner); ok && slices.Contains(j.Serving(), n.Name) {
			i.IPCPs = append(i.IPCPs, string(m.name))
		}
	}
	return i
}

// Register publishes a name in the layers that match, and in those of the IPCPs that match.
func (s *System) Register(_ context.Context, name string, ipcps, layers []string) error {
	return s.call(func() error {
		return s.everywhere(name, ipcps, layers, func(layer core.Name) error {
			if err := s.broker.RegisterName(core.Name(name), layer); err != nil {
				return err
			}
			s.log.Info(fmt.Sprintf("Registered %s in %s.", name, layer))
			return nil
		})
	})
}

// Unregister takes back what Register did.
func (s *System) Unregister(_ context.Context, name string, ipcps, layers []string) error {
	return s.call(func() error {
		return s.everywhere(name, ipcps, layers, func(layer core.Name) error {
			return s.broker.UnregisterName(core.Name(name), layer)
		})
	})
}

// everywhere calls fn for each layer that has names and is meant, by itself or by an IPCP in it.
func (s *System) everywhere(name string, ipcps, layers []string, fn func(core.Name) error) error {
	if err := core.Name(name).Validate(); err != nil {
		return fmt.Errorf("%w: %w", core.ErrInvalid, err)
	}
	var meant []core.Name
	for _, m := range s.members {
		if !m.in() || m.kind == core.KindBroadcast {
			continue
		}
		layer := m.layer().Name
		if slices.Contains(meant, layer) || !matches(ipcps, string(m.name)) && !matches(layers, string(layer)) {
			continue
		}
		meant = append(meant, layer)
	}
	if len(meant) == 0 {
		return fmt.Errorf("%w: no IPCP of this system is %s", core.ErrIPCP, wanted(ipcps, layers))
	}
	var errs []error
	for _, l := range meant {
		errs = append(errs, fn(l))
	}
	return errors.Join(errs...)
}

// wanted says what was looked for.
func wanted(ipcps, layers []string) string {
	var words []string
	if len(ipcps) > 0 {
		words = append(words, fmt.Sprintf("named %s and in a layer with names", strings.Join(ipcps, ", ")))
	}
	if len(layers) > 0 {
		words = append(words, "in layer "+strings.Join(layers, ", "))
	}
	if len(words) == 0 {
		return "meant: neither IPCP nor layer is given"
	}
	return strings.Join(words, " or ")
}

// matches reports whether a word matches one of the patterns, in which "*" stands for any characters.
func matches(patterns []string, word string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return glob(p, word) })
}

func glob(pattern, word string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == word
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(word) < len(first)+len(last) || !strings.HasPrefix(word, first) || !strings.HasSuffix(word, last) {
		return false
	}
	word = word[len(first) : len(word)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(word, p)
		if i < 0 {
			return false
		}
		word = word[i+len(p):]
	}
	return true
}
