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

// process is an agent as a child process: directly, or by a client that reaches it elsewhere.
type process struct {
	io.Reader
	in     io.WriteCloser
	kill   func()
	ended  chan struct{}
	stderr tail
	err    error
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
	p := &process{Reader: out, in: in, kill: kill, ended: make(chan struct{})}
	cmd.Stderr = &p.stderr
	if err := start(); err != nil {
		out.Close()
		return nil, err
	}
	if p.kill == nil {
		p.kill = func() { _ = cmd.Process.Kill() }
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// Write writes to the standard input of the agent.
func (p *process) Write(b []byte) (int, error) { return p.in.Write(b) }

// Close ends the standard input.
func (p *process) Close() error { return p.in.Close() }

// Kill ends the agent at once.
func (p *process) Kill() { p.kill() }

// Wait waits for the end of the agent.
func (p *process) Wait(d time.Duration) error {
	select {
	case <-p.ended:
	case <-time.After(d):
		return fmt.Errorf("it has not ended within %v", d)
	}
	if text := strings.TrimSpace(p.stderr.String()); text != "" {
		return errors.New(text)
	}
	return p.err
}

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
