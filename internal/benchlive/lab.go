package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"ouroboros/internal/netns"
)

// Addresses and devices of the two ends.
const (
	devA, devB   = "a0", "b0"
	addrA, addrB = "10.81.0.1", "10.81.0.2"
)

// lab is two namespaces that a veth pair joins.
type lab struct {
	dir        string
	self       string // this binary
	a, b       *netns.Namespace
	macA, macB string
	count      int // of names that have been made
}

func newLab(dir string) (*lab, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	l := &lab{dir: dir, self: self}
	if l.a, err = netns.New("benchlive-a"); err != nil {
		return nil, err
	}
	if l.b, err = netns.New("benchlive-b"); err != nil {
		return nil, errors.Join(err, l.a.Close())
	}
	if err := l.wire(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) wire() error {
	err := netns.Veth(l.a, devA, l.b, devB, netns.VethOptions{})
	if err == nil {
		err = errors.Join(l.a.AddAddr(devA, addrA+"/24"), l.b.AddAddr(devB, addrB+"/24"))
	}
	if err != nil {
		return err
	}
	if l.macA, err = mac(l.a, devA); err == nil {
		l.macB, err = mac(l.b, devB)
	}
	return err
}

func (l *lab) close() {
	// A namespace that cannot be removed now is swept by the next run.
	_ = l.a.Close()
	_ = l.b.Close()
}

// mac returns the Ethernet address of a device.
func mac(n *netns.Namespace, device string) (string, error) {
	var out string
	err := n.Do(func() error {
		dev, err := net.InterfaceByName(device)
		if err == nil {
			out = dev.HardwareAddr.String()
		}
		return err
	})
	return out, err
}

// fresh returns a name that was not used before, for sockets.
func (l *lab) fresh(kind string) string {
	l.count++
	return l.path(fmt.Sprintf("%s%d", kind, l.count))
}

// process is a program at work in a namespace.
type process struct {
	*netns.Cmd
	out, err output
}

// output collects what a process prints while it runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) Bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.b.Bytes())
}

func (o *output) String() string { return string(o.Bytes()) }

// alive reports whether the process has not ended.
func (p *process) alive() bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	return err == nil && !bytes.Contains(b, []byte(") Z "))
}

// start starts a program in a namespace.
func start(n *netns.Namespace, env []string, name string, args ...string) (*process, error) {
	p := &process{Cmd: n.Command(name, args...)}
	p.Stdout, p.Stderr = &p.out, &p.err
	p.Env = append(os.Environ(), env...)
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// patienceFor is how long a program of a measurement may take.
const patienceFor = 60 * time.Second

// end waits for a program to end by itself.
func (p *process) end() error {
	alarm := time.AfterFunc(patienceFor, func() { _ = p.Process.Kill() })
	defer alarm.Stop()
	if err := p.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", p.Path, err, bytes.TrimSpace(p.err.Bytes()))
	}
	return nil
}

// stop ends a program that serves until it is told to stop.
func (p *process) stop() {
	_ = p.Process.Signal(os.Interrupt)
	alarm := time.AfterFunc(2*time.Second, func() { _ = p.Process.Kill() })
	defer alarm.Stop()
	_ = p.Wait()
}

// report reads what a role has printed.
func (p *process) report() (report, error) {
	var r report
	if err := p.end(); err != nil {
		return r, err
	}
	if err := json.Unmarshal(p.out.Bytes(), &r); err != nil {
		return r, fmt.Errorf("%v: %w: %q", p.Args, err, p.out.String())
	}
	return r, nil
}

// role starts this binary as a role.
func (l *lab) role(n *netns.Namespace, words ...string) (*process, error) {
	return start(n, nil, l.self, append([]string{"role"}, words...)...)
}

// have returns the path of a tool of the system, or a remark that it is not there.
func have(tool string) (path, missing string) {
	path, err := exec.LookPath(tool)
	if err != nil {
		return "", tool + " is not installed"
	}
	return path, ""
}
