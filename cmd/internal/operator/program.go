package operator

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"ouroboros/core"
)

// cannotExecute is how the prototype begins to say so.
const cannotExecute = "Cannot execute"

// FindProgram returns the absolute path of a program: the file of that name from here, or else the first on PATH
// (spec 13 §13.4). It must be a file that can be executed.
func FindProgram(p string) (string, error) {
	path, err := locate(p)
	if err != nil {
		return "", err
	}
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %s does not exist", core.ErrInvalid, p)
	case !st.Mode().IsRegular() || st.Mode().Perm()&0o111 == 0:
		return "", fmt.Errorf("%w: %s %s", core.ErrPerm, cannotExecute, p)
	}
	return path, nil
}

func locate(p string) (string, error) {
	if p == "" {
		return "", fmt.Errorf("%w: a program without a name", core.ErrInvalid)
	}
	if st, err := os.Stat(p); strings.ContainsRune(p, filepath.Separator) || err == nil && st.Mode().IsRegular() {
		return filepath.Abs(p)
	}
	path, err := exec.LookPath(p)
	if err != nil {
		return "", fmt.Errorf("%w: %s does not exist, here or on PATH", core.ErrInvalid, p)
	}
	return filepath.Abs(path)
}

// FindFile returns the absolute path of a file that must exist.
func FindFile(p string) (string, error) {
	path, err := filepath.Abs(p)
	if err != nil {
		return "", err
	}
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%w: file %s does not exist", core.ErrInvalid, p)
	case err != nil:
		return "", err
	case st.IsDir():
		return "", fmt.Errorf("%w: %s is a directory, accepted is a file", core.ErrInvalid, p)
	}
	return path, nil
}
