package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"ouroboros/cmd/internal/control"
)

// spawnPath is where programs that a daemon starts look for others.
const spawnPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// spawner starts the programs that are bound with auto start (spec 13 §13.1), buries those that have ended, and ends
// all at the end. Each is the first of a process group of its own.
type spawner struct {
	dir string
	log *slog.Logger

	mu      sync.Mutex
	running map[*exec.Cmd]struct{}
	over    bool
	all     sync.WaitGroup
}

func newSpawner(dir string, log *slog.Logger) *spawner {
	return &spawner{dir: dir, log: log, running: map[*exec.Cmd]struct{}{}}
}

// start starts a program. Of the environment of the daemon it gets nothing: it finds the daemon, and programs
// in the usual places.
func (s *spawner) start(program string, args []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return errEnding
	}
	cmd := exec.Command(program, args...)
	cmd.Env = []string{"PATH=" + spawnPath, control.DirVariable + "=" + s.dir}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		s.log.Error("A program could not be started.", "program", program, "error", err)
		return fmt.Errorf("start %s: %w", program, err)
	}
	s.log.Info(fmt.Sprintf("Started %s as process %d.", program, cmd.Process.Pid))
	s.running[cmd] = struct{}{}
	s.all.Go(func() { s.bury(cmd, program) })
	return nil
}

// bury waits for the end of a program.
func (s *spawner) bury(cmd *exec.Cmd, program string) {
	err := cmd.Wait()
	s.mu.Lock()
	delete(s.running, cmd)
	s.mu.Unlock()
	s.log.Info(fmt.Sprintf("Process %d has ended.", cmd.Process.Pid), "program", program, "state", cmd.ProcessState.String())
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.log.Warn("Its end could not be read.", "program", program, "error", err)
	}
}

// stop asks all programs to end, kills those that have not after the grace, and returns when all have. Nothing is
// started any more.
func (s *spawner) stop(grace time.Duration) {
	s.signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		s.all.Wait()
		close(done)
	}()
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-done:
		return
	case <-t.C:
	}
	s.signal(syscall.SIGKILL)
	<-done
}

// signal sends a signal to the process groups of all programs.
func (s *spawner) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for cmd := range s.running {
		_ = syscall.Kill(-cmd.Process.Pid, sig) // it may have ended just now
	}
}
