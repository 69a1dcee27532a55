package netns

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const (
	folder = "/run/netns" // where namespaces are pinned; vishvananda/netns and ip agree on it
	prefix = "ouro-"
)

// label is what a caller may name a namespace.
var label = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// birth returns when a process started, in clock ticks since boot, as text. The number of a process is
// used again after its end; number and birth together are not.
func birth(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	// The second field is the name of the program in parentheses, which may hold anything. Start time is
	// field 22, the 20th behind it.
	rest := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(rest) < 20 {
		return "", fmt.Errorf("/proc/%d/stat: no start time in %q", pid, stat)
	}
	return rest[19], nil
}

// fullName returns the name of a namespace of this process: prefix, pid, start time, label.
func fullName(name string) (string, error) {
	if !label.MatchString(name) {
		return "", fmt.Errorf("name %q: accepted are 1 to 64 letters, digits, '_', '.', '-'", name)
	}
	born, err := birth(os.Getpid())
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s%d-%s-%s", prefix, os.Getpid(), born, name), nil
}

// stale tells whether full is the name of a namespace whose process has ended.
func stale(full string) bool {
	rest, ours := strings.CutPrefix(full, prefix)
	parts := strings.SplitN(rest, "-", 3)
	if !ours || len(parts) != 3 {
		return false
	}
	pid, err := strconv.Atoi(parts[0])
	if err != nil {
		return false
	}
	born, err := birth(pid)
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) || err == nil && born != parts[1]
}

// Sweep removes the namespaces that processes which have ended left behind, and returns their names. New
// does so too, once per process.
func Sweep() ([]string, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var gone []string
	var failed error
	for _, e := range entries {
		if !stale(e.Name()) {
			continue
		}
		if err := unpin(e.Name()); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		gone = append(gone, e.Name())
	}
	return gone, failed
}

// unpin takes a name away. The namespace ends with the last process in it.
func unpin(full string) error {
	path := filepath.Join(folder, full)
	err := netns.DeleteNamed(full)
	if errors.Is(err, unix.EINVAL) {
		err = os.Remove(path) // the process ended between making the file and mounting on it
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil // another process was faster
	}
	if err != nil {
		return fmt.Errorf("network namespace %s: %w", path, err)
	}
	return nil
}
