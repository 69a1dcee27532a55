package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ouroboros/cmd/osim/internal/grid"
	"ouroboros/report"
)

// openComparison makes the results folder of a comparison with its store of runs, or takes one that is empty
// or holds an earlier comparison. Anything else is refused: nothing that osim did not write is ever
// overwritten.
func openComparison(path string) (*folder, *grid.Store, error) {
	f := &folder{path: path}
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, nil, fmt.Errorf("--out: %w", err)
	default:
		if f.old, err = oldComparison(path, entries); err != nil {
			return nil, nil, err
		}
	}
	store := filepath.Join(path, grid.RunsDir)
	if err := os.MkdirAll(store, 0o777); err != nil {
		return nil, nil, fmt.Errorf("--out: %w", err)
	}
	return f, grid.NewStore(store), nil
}

// oldComparison returns the files of an earlier comparison, which a new table replaces. A folder without a
// manifest is one whose table is not written yet, or was being written when the program ended.
func oldComparison(path string, entries []os.DirEntry) (old []string, err error) {
	data, err := os.ReadFile(filepath.Join(path, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		for _, e := range entries {
			name := e.Name()
			ours := strings.HasPrefix(name, "comparison.") || strings.HasPrefix(name, "plot-") || name == "samples.csv"
			switch {
			case name == grid.RunsDir && e.IsDir():
			case ours && e.Type().IsRegular():
				old = append(old, name)
			default:
				return nil, fmt.Errorf("--out %s: the folder holds other files, %s for instance; accepted are a new or empty folder and one with an earlier comparison", path, name)
			}
		}
		if len(old) == len(entries) && len(old) > 0 {
			return nil, fmt.Errorf("--out %s: the folder holds %s and no runs; accepted are a new or empty folder and one with an earlier comparison", path, old[0])
		}
		return old, nil
	}
	var m struct { // what the manifests of all results folders have
		Kind  string
		Files []string
	}
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		return nil, fmt.Errorf("--out %s: %s cannot be read: %w", path, manifestName, err)
	}
	if m.Kind != report.ComparisonKind {
		return nil, fmt.Errorf("--out %s: the folder holds results of osim run; accepted are a new or empty folder and one with an earlier comparison", path)
	}
	return append([]string{manifestName}, m.Files...), nil
}
