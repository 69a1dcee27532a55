package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"ouroboros/internal/netns"
)

const (
	// patience is how long a command, an end or a line of output may take.
	patience = 40 * time.Second
	// ready is what a daemon logs when it serves.
	ready = "daemon started."
)

// output is what a process has written so far.
type output struct {
	mu   sync.Mutex
	b    bytes.Buffer
	more chan struct{} // closed when more has come
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b.Write(p)
	close(o.more)
	o.more = make(chan struct{})
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// process is a command that runs in the background.
type process struct {
	n    *node
	line string
	cmd  *netns.Cmd
	out  *output
	done chan struct{}
	err  error // of Wait, once done
}

// command makes a command of the node's shell.
func (n *node) command(line string) *netns.Cmd {
	c := n.ns.Command("/bin/sh", "-c", "exec "+line)
	if strings.ContainsAny(line, "|;&<>(") {
		c = n.ns.Command("/bin/sh", "-c", line)
	}
	c.Env = append(
		os.Environ(), "PATH="+n.l.bin+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"OUROBOROS_DIR="+n.dir, "NO_COLOR=1",
	)
	for k, v := range n.vars {
		c.Env = append(c.Env, k+"="+v)
	}
	c.Dir = n.work
	c.SysProcAttr.Setpgid = true
	return c
}

// start starts a command in the background. A daemon serves when start returns.
func (n *node) start(line string) *process {
	n.l.t.Helper()
	p := &process{n: n, line: line, cmd: n.command(line), out: &output{more: make(chan struct{})}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		n.l.t.Fatalf("%s: %s: %v", n.name, line, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	n.run = append(n.run, p)
	if p.isDaemon() {
		p.await(ready)
	}
	return p
}

func (p *process) isDaemon() bool { return strings.HasPrefix(p.line, "irmd") }

// await waits until the process has written a text.
func (p *process) await(text string) {
	p.n.l.t.Helper()
	limit := time.After(patience)
	for {
		p.out.mu.Lock()
		found, more := strings.Contains(p.out.b.String(), text), p.out.more
		p.out.mu.Unlock()
		if found {
			return
		}
		select {
		case <-more:
		case <-p.done:
			if strings.Contains(p.out.String(), text) {
				return
			}
			p.n.l.t.Fatalf("%s: %s has ended (%v) and has not written %q:\n%s", p.n.name, p.line, p.err, text, p.out)
		case <-limit:
			p.n.l.t.Fatalf("%s: %s has not written %q:\n%s", p.n.name, p.line, text, p.out)
		}
	}
}

// signal sends a signal to the process and what it has started.
func (p *process) signal(s syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, s) // it may have ended just now
}

// wait waits for the end of the process and returns how it ended.
func (p *process) wait() error {
	p.n.l.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.signal(syscall.SIGKILL)
		<-p.done
		p.n.l.t.Errorf("%s: %s does not end:\n%s", p.n.name, p.line, p.out)
	}
	p.n.run = slices.DeleteFunc(p.n.run, func(o *process) bool { return o == p })
	return p.err
}

// kill ends the process as a crash would.
func (p *process) kill() {
	p.n.l.t.Helper()
	p.signal(syscall.SIGKILL)
	_ = p.wait()
	if p.isDaemon() { // it could not put its files away
		os.RemoveAll(p.n.dir)
	}
}

// stop ends the process in order and returns what it has written. A daemon has to end with exit code 0.
func (p *process) stop() string {
	p.n.l.t.Helper()
	p.signal(syscall.SIGTERM)
	if err := p.wait(); err != nil && p.isDaemon() {
		p.n.l.t.Errorf("%s: %s: %v\n%s", p.n.name, p.line, err, p.out)
	}
	return p.out.String()
}

// end is stop at the end of a test, with the log of a daemon if the test has failed.
func (p *process) end() {
	out := p.stop()
	if p.n.l.t.Failed() {
		p.n.l.t.Logf("%s: %s:\n%s", p.n.name, p.line, out)
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
		p.n.l.t.Errorf("%s: %s has left processes: %v", p.n.name, p.line, err)
		p.signal(syscall.SIGKILL)
	}
}

// try runs a command and returns its exit code and what it has written.
func (n *node) try(line string) (int, string) {
	n.l.t.Helper()
	c := n.command(line)
	var both bytes.Buffer
	c.Stdout, c.Stderr = &both, &both
	c.WaitDelay = time.Second
	if err := c.Start(); err != nil {
		n.l.t.Fatalf("%s: %s: %v", n.name, line, err)
	}
	timer := time.AfterFunc(patience, func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
	defer timer.Stop()
	err := c.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		n.l.t.Fatalf("%s: %s: %v\n%s", n.name, line, err, both.String())
	}
	return c.ProcessState.ExitCode(), both.String()
}

// sh runs a command that has to succeed, and returns what it has written.
func (n *node) sh(line string) string {
	n.l.t.Helper()
	code, out := n.try(line)
	if code != 0 {
		n.l.t.Fatalf("%s: %s: exit code %d\n%s", n.name, line, code, out)
	}
	return out
}

// fails runs a command that has to fail and to say why.
func (n *node) fails(line, want string) {
	n.l.t.Helper()
	code, out := n.try(line)
	if code == 0 || !strings.Contains(out, want) {
		n.l.t.Errorf("%s: %s: exit code %d, want another than 0 and %q in\n%s", n.name, line, code, want, out)
	}
}

// run runs a script: a line has a node and a colon in front, which a lab of one node can do without, and commands
// separated by semicolons; one that ends with "&" stays in the background. "#" begins a comment. What the last
// command in the foreground has written is returned.
func (l *lab) run(script string) (out string) {
	l.t.Helper()
	for line := range strings.Lines(script) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		n := l.nodes[0]
		if name, rest, ok := strings.Cut(line, ": "); ok && !strings.Contains(name, " ") {
			n, line = l.node(name), rest
		} else if len(l.nodes) > 1 {
			l.t.Fatalf("line %q: there is no node in front", line)
		}
		for _, c := range strings.Split(line, ";") {
			c = strings.TrimSpace(c)
			if back, ok := strings.CutSuffix(c, "&"); ok {
				n.start(strings.TrimSpace(back))
			} else if c != "" {
				out = n.sh(c)
			}
		}
	}
	return out
}

// eventually waits until a condition holds.
func (l *lab) eventually(what string, ok func() bool) {
	l.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("it does not come to this: %s", what)
		}
	}
}

// String names the process in errors.
func (p *process) String() string { return fmt.Sprintf("%s: %s", p.n.name, p.line) }
