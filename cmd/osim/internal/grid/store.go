package grid

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// RunsDir is the folder of the runs within that of the comparison.
const RunsDir = "runs"

const extension = ".json"

// Store keeps the runs of comparisons in a folder, one file for each, or nowhere if the folder is "". Several
// processes may share a folder: a file appears whole or not at all.
type Store struct{ dir string }

// NewStore returns the store in a folder that exists.
func NewStore(dir string) *Store { return &Store{dir} }

// Save writes the file of a run.
func (s *Store) Save(r *Record) error {
	if s.dir == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("run %s: %w", r.ID, err)
	}
	// A hidden file in the same folder, so that the rename does not cross file systems.
	f, err := os.CreateTemp(s.dir, "."+r.ID+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.dir, r.ID+extension))
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one that matters
	}
	return err
}

// Load reads the run with this identity; nil if there is none. The error says why its file cannot be used:
// the run can be made again.
func (s *Store) Load(id string, seed uint64) (*Record, error) {
	if s.dir == "" {
		return nil, nil
	}
	name := filepath.Join(s.dir, id+extension)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var r *Record
	if err == nil {
		r, err = parseRecord(data)
	}
	if err == nil && (r.ID != id || r.Seed != seed) {
		err = fmt.Errorf("it holds the run %s with seed %d", r.ID, r.Seed)
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", name, err)
	}
	return r, nil
}

// Strangers are the files of a store that are not of a grid.
type Strangers struct {
	Version int // runs of another version of the program
	Others  int // runs of other variants, seeds or scenarios
	Unknown int // no runs
}

// Strangers counts the files that are not those of the runs wanted.
func (s *Store) Strangers(wanted map[string]bool, version string) (n Strangers, err error) {
	if s.dir == "" {
		return n, nil
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return n, err
	}
	for _, e := range entries {
		id, isRun := strings.CutSuffix(e.Name(), extension)
		if wanted[id] && isRun || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		var r *Record
		data, err := os.ReadFile(filepath.Join(s.dir, e.Name()))
		if err == nil {
			r, err = parseRecord(data)
		}
		switch {
		case err != nil || !isRun:
			n.Unknown++
		case r.Version != version:
			n.Version++
		default:
			n.Others++
		}
	}
	return n, nil
}

// Notes says what was left alone.
func (n Strangers) Notes() (out []string) {
	for _, x := range []struct {
		n    int
		what string
	}{
		{n.Version, "of another version of osim ignored"},
		{n.Others, "of other variants, seeds or scenarios ignored"},
	} {
		if x.n > 0 {
			out = append(out, fmt.Sprintf("%s %s", runs(x.n), x.what))
		}
	}
	switch {
	case n.Unknown == 1:
		out = append(out, "the folder of the runs holds 1 file that is no run")
	case n.Unknown > 1:
		out = append(out, fmt.Sprintf("the folder of the runs holds %d files that are no runs", n.Unknown))
	}
	return out
}

func runs(n int) string {
	if n == 1 {
		return "1 run"
	}
	return fmt.Sprintf("%d runs", n)
}
