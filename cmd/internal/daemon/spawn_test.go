package daemon

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ouroboros/cmd/internal/control"
)

// script writes a program that can be started.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	must(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755))
	return path
}

// content waits for a file and returns what is in it.
func content(t *testing.T, path string) string {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if b, err := os.ReadFile(path); err == nil && bytes.HasSuffix(b, []byte("\n")) {
			return string(b)
		}
	}
	t.Fatalf("%s does not come", path)
	return ""
}

// TestStartedProgramFindsItsDaemon: and has nothing else of the daemon's environment (spec 13 §13.1). It is buried
// when it ends.
func TestStartedProgramFindsItsDaemon(t *testing.T) {
	t.Setenv("SECRET", "x")
	out := filepath.Join(t.TempDir(), "out")
	s := newSpawner("/the/dir", slog.New(slog.DiscardHandler))
	must(t, s.start(script(t, `{ echo "$1"; env; pwd; } > `+out+`.new; mv `+out+`.new `+out+"\n"), []string{"an argument"}))
	got := content(t, out)
	for _, want := range []string{"an argument\n", control.DirVariable + "=/the/dir\n", "\n/\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	if strings.Contains(got, "SECRET") {
		t.Error("it has the daemon's environment")
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		n := len(s.running)
		s.mu.Unlock()
		if n == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it is not buried")
		}
	}
	if err := s.start("/nowhere/at/all", nil); err == nil {
		t.Error("a program that is none was started")
	}
	s.stop(time.Second)
	if err := s.start("/bin/true", nil); err == nil {
		t.Error("a program was started after the end")
	}
}

// TestProgramsEndWithTheDaemon: with what they have started, also when they do not want to.
func TestProgramsEndWithTheDaemon(t *testing.T) {
	out := filepath.Join(t.TempDir(), "pid")
	s := newSpawner("/", slog.New(slog.DiscardHandler))
	must(t, s.start(script(t, "trap '' TERM\n/bin/sleep 100 &\necho $! > "+out+"\nwait\nwait\n/bin/sleep 100\n"), nil))
	pid, err := strconv.Atoi(strings.TrimSpace(content(t, out)))
	must(t, err)
	began := time.Now()
	s.stop(100 * time.Millisecond)
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("it took %v", d)
	}
	for end := time.Now().Add(10 * time.Second); syscall.Kill(pid, 0) == nil && !zombie(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("what it has started lives")
		}
	}
}

// zombie reports whether a process has ended and nobody has asked how.
func zombie(pid int) bool {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && bytes.Contains(b, []byte(") Z "))
}
