package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"ouroboros/ipcp/rib"
)

// ribFolder writes the management trees of runs into a folder: one folder for each seed, in it the trees as
// they stood at the end of the run.
type ribFolder struct{ path string }

// openRIB makes the folder. One that holds something else is refused.
func openRIB(path string) (*ribFolder, error) {
	entries, err := os.ReadDir(path)
	if err == nil && len(entries) > 0 {
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), "seed-") {
				return nil, fmt.Errorf("--rib %s: holds %s; accepted is an empty or new folder, or one of an earlier --rib", path, e.Name())
			}
		}
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("--rib: %w", err)
	}
	return &ribFolder{path}, nil
}

// write writes the trees of one run, in place of those of an earlier run with the same seed.
func (f *ribFolder) write(seed uint64, root rib.Node) error {
	dir := filepath.Join(f.path, fmt.Sprintf("seed-%d", seed))
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return rib.Walk(root, func(path string, content []byte) error {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		return os.WriteFile(name, content, 0o644)
	})
}
