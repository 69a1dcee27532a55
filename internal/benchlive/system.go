package main

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"ouroboros/internal/netns"
)

// system is this project between the two namespaces: a daemon in each, with a shim over Ethernet, one over UDP, and
// a unicast layer over the first.
type system struct {
	l    *lab
	bin  string // programs
	dirs [2]string
	irmd [2]*process
}

// The layers, by the name that the tables give them. A name of a server ends with that of the layer that it is
// registered in.
var layers = []string{"eth", "udp", "net"}

// build makes the programs of this source.
func build(dir string) error {
	c := exec.Command("go", "build", "-trimpath", "-o", dir+"/", "ouroboros/cmd/...")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// newSystem starts daemons and configures them as a person would, with irm.
func newSystem(l *lab) (*system, error) {
	s := &system{l: l, bin: l.path("bin")}
	if _, err := os.Stat(s.bin); err != nil {
		if err := build(s.bin); err != nil {
			return nil, err
		}
	}
	l.count++
	for i := range s.dirs {
		s.dirs[i] = l.path(fmt.Sprintf("d%d-%d", l.count, i))
	}
	if err := s.configure(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *system) space(i int) *netns.Namespace { return [2]*netns.Namespace{s.l.a, s.l.b}[i] }

func (s *system) env(i int) []string {
	return []string{"OUROBOROS_DIR=" + s.dirs[i], "PATH=" + s.bin + ":" + os.Getenv("PATH")}
}

func (s *system) configure() error {
	hosts := s.l.path("hosts")
	digest := func(name string) string { return fmt.Sprintf("%x", md5.Sum([]byte(name))) }
	var lines string
	for _, server := range []string{"bench", "oping", "operf"} {
		lines += addrB + " " + digest(server+"-udp") + "\n"
	}
	if err := os.WriteFile(hosts, []byte(lines), 0o644); err != nil {
		return err
	}
	for i := range s.dirs {
		var err error
		if s.irmd[i], err = s.start(i, "irmd", "--stdout"); err != nil {
			return err
		}
	}
	for i, ip := range []string{addrA, addrB} {
		if err := s.await(i); err != nil {
			return err
		}
		if err := s.irm(i,
			"ipcp bootstrap type eth-dix name e layer eth dev "+[]string{devA, devB}[i],
			"ipcp bootstrap type udp4 name u layer udp ip "+ip+" hosts "+hosts,
		); err != nil {
			return err
		}
	}
	if err := s.irm(1, "ipcp bootstrap type unicast name nb layer net autobind ls_t_recalc 1",
		"name register nb layer eth", "name register net layer eth"); err != nil {
		return err
	}
	if err := s.irm(0, "ipcp enroll name na layer net autobind", "ipcp connect name na dst nb"); err != nil {
		return err
	}
	for _, layer := range layers {
		commands := []string{"name create bench-" + layer, "name register bench-" + layer + " layer " + layer}
		for _, tool := range []string{"oping", "operf"} {
			name := tool + "-" + layer
			commands = append(commands, "bind program "+filepath.Join(s.bin, tool)+" name "+name, "name register "+name+" layer "+layer)
		}
		if err := s.irm(1, commands...); err != nil {
			return err
		}
	}
	return nil
}

// await waits until a daemon answers.
func (s *system) await(i int) error {
	var err error
	for range 100 {
		if err = s.irm(i, "ipcp list"); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.Join(err, errors.New(s.irmd[i].out.String()+s.irmd[i].err.String()))
}

// irm runs commands at a daemon.
func (s *system) irm(i int, commands ...string) error {
	for _, c := range commands {
		p, err := s.start(i, "irm", strings.Fields(c)...)
		if err != nil {
			return err
		}
		if err := p.end(); err != nil {
			return fmt.Errorf("irm %s: %w %s", c, err, bytes.TrimSpace(p.out.Bytes()))
		}
	}
	return nil
}

func (s *system) start(i int, program string, args ...string) (*process, error) {
	return start(s.space(i), s.env(i), filepath.Join(s.bin, program), args...)
}

func (s *system) role(i int, words ...string) (*process, error) {
	return start(s.space(i), s.env(i), s.l.self, append([]string{"role"}, words...)...)
}

// between runs a passive role on b and an active one on a, over a flow in a layer.
func (s *system) between(layer, wishes string, active, passive []string) (first, second report, err error) {
	p, err := s.role(1, append([]string{passive[0], "listen:bench-" + layer}, passive[1:]...)...)
	if err != nil {
		return first, second, err
	}
	q, err := s.role(0, append([]string{active[0], "flow:bench-" + layer + wishes}, active[1:]...)...)
	if err != nil {
		p.stop()
		return first, second, err
	}
	first, err = q.report()
	if passive[0] != "sink" || err != nil {
		p.stop()
		return first, second, err
	}
	second, err = p.report()
	return first, second, err
}

// close ends the daemons.
func (s *system) close() {
	for _, p := range s.irmd {
		if p != nil {
			p.stop()
		}
	}
}

// resident returns the memory of a process in bytes that is not shared with a file.
func resident(p *process) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			var kb float64
			_, err := fmt.Sscan(rest, &kb)
			return kb * 1024, err
		}
	}
	return 0, errors.New("no RssAnon in /proc/PID/status")
}

// Flows of the two states whose difference is an idle flow's memory: the first are warm-up.
const (
	fewFlows  = 500
	manyFlows = 2500
)

// idle returns by how many KiB each idle flow makes the four processes larger: application and daemon of who asks,
// daemon and application of who answers.
func (s *system) idle(layer, wishes string) (grown [4]float64, err error) {
	var small, large [4]float64
	for i, count := range []int{fewFlows, manyFlows} {
		to := &small
		if i == 1 {
			to = &large
		}
		server, err := s.role(1, "hold", "listen:bench-"+layer)
		if err != nil {
			return grown, err
		}
		client, err := s.role(0, "allocate", "flow:bench-"+layer+wishes, fmt.Sprintf("count=%d", count), "ms=3000")
		if err != nil {
			server.stop()
			return grown, err
		}
		for len(client.out.Bytes()) == 0 && client.alive() {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		for k, p := range []*process{client, s.irmd[0], s.irmd[1], server} {
			if to[k], err = resident(p); err != nil {
				break
			}
		}
		err = errors.Join(err, client.end())
		server.stop()
		if err != nil {
			return grown, err
		}
	}
	for k := range grown {
		grown[k] = (large[k] - small[k]) / 1024 / (manyFlows - fewFlows)
	}
	return grown, nil
}
