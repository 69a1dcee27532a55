package netns

import (
	"bytes"
	"errors"
	"os/exec"
	"syscall"
)

// Cmd is a command that runs in a namespace. It is used as the exec.Cmd that it holds.
type Cmd struct {
	*exec.Cmd
	in *Namespace
}

// Command returns a command that Start, Run, Output and CombinedOutput start in the namespace. The child
// and what it starts stay there. It is killed when this process ends, however that ends.
func (n *Namespace) Command(name string, args ...string) *Cmd {
	c := &Cmd{exec.Command(name, args...), n}
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// Start starts the command and does not wait for it.
func (c *Cmd) Start() error { return c.in.Do(c.Cmd.Start) }

// Run starts the command and waits for its end.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the command and returns what it writes to its standard output. An *exec.ExitError holds
// what it wrote to its standard error, unless that goes elsewhere.
func (c *Cmd) Output() ([]byte, error) {
	var stdout, stderr bytes.Buffer
	if c.Stdout != nil {
		return nil, errors.New("netns: Output of a command whose Stdout is set")
	}
	c.Stdout = &stdout
	captured := c.Stderr == nil
	if captured {
		c.Stderr = &stderr
	}
	err := c.Run()
	if exit := (*exec.ExitError)(nil); captured && errors.As(err, &exit) {
		exit.Stderr = stderr.Bytes()
	}
	return stdout.Bytes(), err
}

// CombinedOutput runs the command and returns what it writes to its standard output and error.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil || c.Stderr != nil {
		return nil, errors.New("netns: CombinedOutput of a command whose Stdout or Stderr is set")
	}
	var both bytes.Buffer
	c.Stdout, c.Stderr = &both, &both
	err := c.Run()
	return both.Bytes(), err
}
