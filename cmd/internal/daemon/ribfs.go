package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"ouroboros/ipcp/rib"
)

// mountRIB mounts the management tree of a system on a directory, which is made if there is none, as files that
// can be read (spec 13 §13.9). What a file says is read when it is opened. The function that is returned takes the
// mount back.
func mountRIB(s *System, dir string) (unmount func(), err error) {
	fail := func(err error) (func(), error) {
		return nil, fmt.Errorf("management tree at %s: %w", dir, err)
	}
	made, err := mountPoint(dir)
	if err != nil {
		return fail(err)
	}
	zero := time.Duration(0)
	opt := &fs.Options{EntryTimeout: &zero, AttrTimeout: &zero, NegativeTimeout: &zero}
	opt.FsName, opt.Name = "ouroboros", "rib"
	opt.Options = []string{"ro"}
	if os.Geteuid() == 0 {
		opt.AllowOther, opt.DirectMountStrict = true, true
	}
	server, err := fs.Mount(dir, &ribNode{s: s}, opt)
	if err != nil {
		if made {
			os.Remove(dir)
		}
		return fail(err)
	}
	s.log.Info("Mounted the management tree.", "dir", dir)
	return func() {
		if server.Unmount() != nil {
			// Somebody is in there. Nobody else sees it any more; the server ends with the process.
			if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
				s.log.Warn("The management tree stays mounted.", "dir", dir, "error", err)
				return
			}
		} else {
			server.Wait()
		}
		if made {
			os.Remove(dir)
		}
	}, nil
}

// mountPoint sees that the directory is there, without the mount of a daemon that was killed.
func mountPoint(dir string) (made bool, err error) {
	_, err = os.Stat(dir)
	if errors.Is(err, syscall.ENOTCONN) {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			return false, fmt.Errorf("the mount of a daemon that has gone: %w", err)
		}
		_, err = os.Stat(dir)
	}
	if errors.Is(err, iofs.ErrNotExist) {
		return true, os.MkdirAll(dir, 0o755)
	}
	return false, err
}

// ribNode is a place in the mounted tree. It is looked up anew at each use, so that it shows what there is.
type ribNode struct {
	fs.Inode
	s    *System
	path string
}

var (
	_ fs.NodeLookuper  = (*ribNode)(nil)
	_ fs.NodeReaddirer = (*ribNode)(nil)
	_ fs.NodeGetattrer = (*ribNode)(nil)
	_ fs.NodeOpener    = (*ribNode)(nil)
)

// ribFile is an open file: its content when it was opened.
type ribFile struct{ content []byte }

var _ fs.FileReader = (*ribFile)(nil)

const (
	dirMode  = syscall.S_IFDIR | 0o755
	fileMode = syscall.S_IFREG | 0o644
)

// look reads the node at a path: the names in a directory, or the content of a file.
func (n *ribNode) look(path string) (names []string, content []byte, dir bool, errno syscall.Errno) {
	err := n.s.call(func() error {
		at, err := rib.Find(n.s.tree(), path)
		if err != nil {
			return err
		}
		switch at := at.(type) {
		case rib.Dir:
			dir = true
			names, err = rib.List(at, "")
			return err
		case rib.File:
			var b bytes.Buffer
			at(&b)
			content = b.Bytes()
		}
		return nil
	})
	switch {
	case errors.Is(err, rib.ErrNotFound):
		return nil, nil, false, syscall.ENOENT
	case err != nil:
		return nil, nil, false, syscall.EIO
	}
	return names, content, dir, 0
}

func attributes(out *fuse.Attr, dir bool, size int) {
	out.Mode, out.Size = fileMode, uint64(size)
	if dir {
		out.Mode, out.Size = dirMode, 0
	}
	now := time.Now()
	out.SetTimes(&now, &now, &now)
}

// Lookup finds an entry of a directory.
func (n *ribNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	path := name
	if n.path != "" {
		path = n.path + "/" + name
	}
	_, content, dir, errno := n.look(path)
	if errno != 0 {
		return nil, errno
	}
	attributes(&out.Attr, dir, len(content))
	mode := uint32(syscall.S_IFREG)
	if dir {
		mode = syscall.S_IFDIR
	}
	return n.NewInode(ctx, &ribNode{s: n.s, path: path}, fs.StableAttr{Mode: mode}), 0
}

// Readdir lists a directory.
func (n *ribNode) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	names, _, dir, errno := n.look(n.path)
	switch {
	case errno != 0:
		return nil, errno
	case !dir:
		return nil, syscall.ENOTDIR
	}
	var list []fuse.DirEntry
	for _, name := range names {
		e := fuse.DirEntry{Name: name, Mode: syscall.S_IFREG}
		if short, isDir := cutSlash(name); isDir {
			e.Name, e.Mode = short, syscall.S_IFDIR
		}
		list = append(list, e)
	}
	return fs.NewListDirStream(list), 0
}

// cutSlash takes the "/" off the name of a directory in a list.
func cutSlash(name string) (string, bool) {
	if n := len(name); n > 0 && name[n-1] == '/' {
		return name[:n-1], true
	}
	return name, false
}

// Getattr tells kind and size.
func (n *ribNode) Getattr(_ context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if open, ok := f.(*ribFile); ok {
		attributes(&out.Attr, false, len(open.content))
		return 0
	}
	_, content, dir, errno := n.look(n.path)
	if errno == 0 {
		attributes(&out.Attr, dir, len(content))
	}
	return errno
}

// Open reads a file.
func (n *ribNode) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EROFS
	}
	_, content, dir, errno := n.look(n.path)
	switch {
	case errno != 0:
		return nil, 0, errno
	case dir:
		return nil, 0, syscall.EISDIR
	}
	return &ribFile{content}, fuse.FOPEN_DIRECT_IO, 0
}

// Read returns a part of the content.
func (f *ribFile) Read(_ context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	if off >= int64(len(f.content)) {
		return fuse.ReadResultData(nil), 0
	}
	return fuse.ReadResultData(f.content[off:min(off+int64(len(dest)), int64(len(f.content)))]), 0
}
