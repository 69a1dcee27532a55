package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"ouroboros/report"
)

// manifestName is the file that ends a results folder.
const manifestName = "manifest.json"

// folder is a results folder on disk. It implements report.Creator.
type folder struct {
	path string
	old  []string // files of earlier results, to be replaced
}

// openFolder makes the folder, or takes one that is empty or holds earlier results. Anything else is
// refused: nothing that osim did not write is ever overwritten.
func openFolder(path string) (*folder, error) {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	f := &folder{path: path}
	if len(entries) == 0 {
		return f, nil
	}
	data, err := os.ReadFile(filepath.Join(path, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--out %s: the folder holds other files, %s for instance; accepted are a new or empty folder and one with earlier results", path, entries[0].Name())
	}
	var m report.Manifest
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		return nil, fmt.Errorf("--out %s: %s cannot be read: %w", path, manifestName, err)
	}
	f.old = append([]string{manifestName}, m.Files...)
	return f, nil
}

// Create makes a file. Before the first one it removes the earlier results, their manifest first, so
// that a folder with a manifest is whole.
func (f *folder) Create(name string) (io.WriteCloser, error) {
	for _, old := range f.old {
		if !filepath.IsLocal(old) || filepath.Base(old) != old {
			return nil, fmt.Errorf("%s names the file %q, which is not in the folder", manifestName, old)
		}
		if err := os.Remove(filepath.Join(f.path, old)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	f.old = slices.Delete(f.old, 0, len(f.old))
	return os.Create(filepath.Join(f.path, name))
}
