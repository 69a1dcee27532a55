package irm

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/oap"
)

// Files are the security files of a system, laid out as the prototype has them (spec 11 §11.8):
//
//	cacert/*                       certificates that are trusted, PEM
//	untrusted/*                    certificates that only help to build chains
//	server/NAME/enc.conf           what the flows to a name that this system serves are encrypted with
//	server/NAME/crt.pem, key.pem   what it shows as that name
//	server/NAME/kex.key.pem|raw    its lasting key, for kem_mode=client
//	client/NAME/enc.conf           the same for the flows that this system asks for
//	client/NAME/crt.pem, key.pem
//	client/NAME/kex.srv.pub.pem|raw
//
// All but the certificates of authorities are read at every allocation. A file that is there and cannot be used
// fails the allocation, and so does a certificate without its key or the other way round.
type Files struct {
	fs    fs.FS
	roots *crypt.Roots
	paths func(core.Name) SecurityPaths
	open  func(file string) ([]byte, error)
}

// Override returns the same files, with those of single names elsewhere: paths says of a name which files stand in for
// enc.conf, crt.pem and key.pem in either role, and open reads them; they need not lie in the folder. A file that is
// named so and cannot be read fails the allocation: an administrator who names a file for a name does not want
// its flows in clear because the file has gone.
func (f *Files) Override(paths func(core.Name) SecurityPaths, open func(file string) ([]byte, error)) *Files {
	own := *f
	own.paths, own.open = paths, open
	return &own
}

// places are the files of a name in one role; those that are named must be there.
type places struct{ enc, crt, key string }

// named returns the files that an administrator has named.
func (f *Files) named(role string, n core.Name) places {
	if f.paths == nil {
		return places{}
	}
	p := f.paths(n)
	if role == "client" {
		return places{p.ClientEnc, p.ClientCrt, p.ClientKey}
	}
	return places{p.ServerEnc, p.ServerCrt, p.ServerKey}
}

// pick reads a file that is named, else the one in the folder, which may be missing.
func (f *Files) pick(named, file string) (b []byte, at string, found bool, err error) {
	if named != "" {
		b, err = f.open(named)
		return b, named, err == nil, err
	}
	if !fs.ValidPath(file) {
		return nil, file, false, nil
	}
	b, found, err = f.read(file)
	return b, file, found, err
}

// OpenFiles reads the certificates of authorities. The folders may be missing; a file in them that is no
// certificate is an error that names it.
func OpenFiles(f fs.FS) (*Files, error) {
	trusted, err := certificates(f, "cacert")
	if err != nil {
		return nil, err
	}
	between, err := certificates(f, "untrusted")
	if err != nil {
		return nil, err
	}
	roots, err := crypt.NewRoots(trusted...)
	if err != nil {
		return nil, err
	}
	roots, err = roots.WithUntrusted(between...)
	return &Files{fs: f, roots: roots}, err
}

// certificates reads the files of a folder, in the order of their names, and looks that each can be used.
func certificates(f fs.FS, dir string) (out [][]byte, err error) {
	entries, err := fs.ReadDir(f, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		file := path.Join(dir, e.Name())
		text, err := fs.ReadFile(f, file)
		if err != nil {
			return nil, err
		}
		if _, err := crypt.NewRoots(text); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		out = append(out, text)
	}
	return out, nil
}

// Client returns what is configured for the flows that this system asks for, for Security.Client.
func (f *Files) Client(n core.Name) (*oap.Config, error) {
	c, err := f.role("client", n)
	if err != nil || c.Enc == nil || c.Enc.KEMMode != crypt.KEMClient {
		return c, err
	}
	err = f.either(path.Join(folder("client", n), "kex.srv.pub"), func(file string, b []byte) error {
		c.StaticPublic, err = crypt.ParseStaticPublic(file, b)
		return err
	})
	return c, err
}

// Server returns what is configured for the names that this system serves, for Security.Server.
func (f *Files) Server(n core.Name) (*oap.Config, error) {
	c, err := f.role("server", n)
	if err != nil {
		return c, err
	}
	err = f.either(path.Join(folder("server", n), "kex.key"), func(file string, b []byte) error {
		c.StaticKey, err = crypt.ParseStaticKey(file, b)
		return err
	})
	return c, err
}

// role reads what both roles have.
func (f *Files) role(role string, n core.Name) (*oap.Config, error) {
	c := &oap.Config{Roots: f.roots}
	named := f.named(role, n)
	dir := folder(role, n)
	text, file, found, err := f.pick(named.enc, path.Join(dir, "enc.conf"))
	if err != nil {
		return nil, err
	}
	if found {
		if c.Enc, err = crypt.ParseConfig(file, text); err != nil {
			return nil, err
		}
		c.RequirePeer = c.Enc != nil && c.Enc.RequirePeer
	}
	c.Credentials, err = f.credentials(named, dir)
	return c, err
}

// folder returns the folder of a name in one role; for a name that no folder can have, one that is not there.
func folder(role string, n core.Name) string {
	dir := path.Join(role, string(n))
	if !fs.ValidPath(dir) || dir != role+"/"+string(n) {
		return "/"
	}
	return dir
}

// credentials reads certificate and key.
func (f *Files) credentials(named places, dir string) (*crypt.Credentials, error) {
	cert, crt, one, err := f.pick(named.crt, path.Join(dir, "crt.pem"))
	if err != nil {
		return nil, err
	}
	private, key, both, err := f.pick(named.key, path.Join(dir, "key.pem"))
	switch {
	case err != nil:
		return nil, err
	case one != both:
		return nil, fmt.Errorf("%s, %s: of certificate and key there is only one", crt, key)
	case !one:
		return nil, nil
	}
	c, err := crypt.ParseCredentials(cert, private)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", crt, key, err)
	}
	return c, nil
}

// either hands the file with that name and the extension pem or raw to use, if there is one.
func (f *Files) either(name string, use func(file string, b []byte) error) error {
	if !fs.ValidPath(name) {
		return nil
	}
	for _, ext := range []string{".pem", ".raw"} {
		b, found, err := f.read(name + ext)
		if err != nil {
			return err
		}
		if found {
			return use(name+ext, b)
		}
	}
	return nil
}

// read reads a file that may be missing.
func (f *Files) read(file string) (b []byte, found bool, err error) {
	b, err = fs.ReadFile(f.fs, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return b, err == nil, err
}
