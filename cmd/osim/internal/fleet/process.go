package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// running is an agent that runs: its standard streams and its end.
type running struct {
	io.Reader // its standard output
	in        io.WriteCloser
	ended     chan struct{} // closed when it has ended
	err       error         // of the end
	stderr    tail
}

// Write writes to the standard input of the agent.
func (r *running) Write(b []byte) (int, error) { return r.in.Write(b) }

// Close ends the standard input, with which the agent ends.
func (r *running) Close() error { return r.in.Close() }

// watch takes the end of the agent, for which wait waits.
func (r *running) watch(wait func() error) {
	r.ended = make(chan struct{})
	go func() {
		r.err = wait()
		close(r.ended)
	}()
}

// Wait waits for the end of the agent.
func (r *running) Wait(d time.Duration) error {
	select {
	case <-r.ended:
	case <-time.After(d):
		return fmt.Errorf("it has not ended within %v", d)
	}
	if text := strings.TrimSpace(r.stderr.String()); text != "" {
		return errors.New(text)
	}
	return r.err
}

// process is an agent as a child process: directly, or by a client that reaches it elsewhere.
type process struct {
	running
	kill func()
}

// started takes over a command that has not been started yet.
func started(cmd *exec.Cmd, start func() error, kill func()) (*process, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// Not a StdoutPipe: that is closed when the process ends, with what has not been read yet.
	out, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	cmd.Stdout = w
	p := &process{running: running{Reader: out, in: in}, kill: kill}
	cmd.Stderr = &p.stderr
	if err := start(); err != nil {
		out.Close()
		return nil, err
	}
	if p.kill == nil {
		p.kill = func() { _ = cmd.Process.Kill() }
	}
	p.watch(cmd.Wait)
	return p, nil
}

// Kill ends the agent at once.
func (p *process) Kill() { p.kill() }

// tail keeps the last of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// maxTail is how much of it, in bytes.
const maxTail = 16 << 10

// Write keeps b.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(b)
	if n := t.buf.Len() - maxTail; n > 0 {
		t.buf.Next(n)
	}
	return len(b), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
