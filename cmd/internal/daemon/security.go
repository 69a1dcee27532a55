package daemon

import (
	"fmt"
	"io/fs"
	"os"

	"ouroboros/core"
	"ouroboros/core/irm"
)

// DefaultSecurityDir is where the security files of a system are (spec 11 §11.8).
const DefaultSecurityDir = "/etc/ouroboros/security"

// security returns how the flows of the system are secured: by the files of a directory, with those of single
// names elsewhere. They are read at each allocation; the certificates of authorities are read once.
func (s *System) security(cfg *Config) (irm.Security, error) {
	var tree fs.FS = nothing{}
	if cfg.SecurityDir != "" {
		tree = os.DirFS(cfg.SecurityDir)
	}
	files, err := irm.OpenFiles(tree)
	if err != nil {
		return irm.Security{}, fmt.Errorf("security files in %s: %w", cfg.SecurityDir, err)
	}
	files = files.Override(func(n core.Name) irm.SecurityPaths {
		c, _ := s.broker.NameConfig(n)
		return c.SecurityPaths
	}, os.ReadFile)
	return irm.Security{Force: cfg.ForceEncryption, Client: files.Client, Server: files.Server}, nil
}

// nothing is a tree without files.
type nothing struct{}

// Open finds nothing.
func (nothing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
