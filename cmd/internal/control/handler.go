package control

import (
	"context"

	"ouroboros/core"
)

// Handler is what a daemon can be told to do (spec 13 §13.4, 14 §14.7). Its calls may overlap. IPCPs go by
// their names, which are unique on a system. An error is a core.Code, or wraps one, where spec 14 §14.6 has one
// for it; its text says what was wrong, with the values.
type Handler interface {
	// CreateIPCP makes an IPCP that is in no layer yet.
	CreateIPCP(ctx context.Context, name string, kind Kind) error
	// DestroyIPCP ends an IPCP; of an unknown name it is a success.
	DestroyIPCP(ctx context.Context, name string) error
	// ListIPCPs lists all IPCPs in the order in which flows are asked for: by kind, then by number.
	ListIPCPs(ctx context.Context) ([]IPCPInfo, error)
	// Bootstrap makes the IPCP the first member of a layer.
	Bootstrap(ctx context.Context, name string, b BootstrapConfig) error
	// Enroll makes the IPCP a member of a layer that exists.
	Enroll(ctx context.Context, name string, e EnrollConfig) error
	// Connect connects components of the IPCP to another member, by its name.
	Connect(ctx context.Context, name string, c ConnectConfig) error
	// Disconnect takes back what Connect did.
	Disconnect(ctx context.Context, name, dst string, comp Components) error

	// BindProgram binds the program at a path to a name, which is created if it does not exist. With auto, a flow
	// that comes for the name when no process listens to it starts the program with args.
	BindProgram(ctx context.Context, program, name string, auto bool, args []string) error
	// UnbindProgram takes bindings of a program, by path or base name, back: that to a name, or all with "".
	UnbindProgram(ctx context.Context, program, name string) error
	// BindProcess binds a process that runs to a name.
	BindProcess(ctx context.Context, pid int, name string) error
	// UnbindProcess takes bindings of a process back: that to a name, or all with "".
	UnbindProcess(ctx context.Context, pid int, name string) error
	// BindIPCP makes an IPCP listen to a name.
	BindIPCP(ctx context.Context, ipcp, name string) error
	// UnbindIPCP takes bindings of an IPCP back: that to a name, or all with "".
	UnbindIPCP(ctx context.Context, ipcp, name string) error

	// CreateName makes a name known on the system. A name that exists is a success and stays as it is.
	CreateName(ctx context.Context, name string, c NameConfig) error
	// DestroyName forgets a name and its bindings.
	DestroyName(ctx context.Context, name string) error
	// ListNames lists all names, sorted.
	ListNames(ctx context.Context) ([]NameInfo, error)
	// Register publishes a name by the given IPCPs and in the given layers. "*" in an element stands for any
	// characters. The name is created if it does not exist.
	Register(ctx context.Context, name string, ipcps, layers []string) error
	// Unregister takes back what Register did, for the IPCPs and layers that match.
	Unregister(ctx context.Context, name string, ipcps, layers []string) error

	// RIB returns the files of the management tree at and below a path, "" for the whole tree, sorted by path.
	RIB(ctx context.Context, path string) ([]RIBEntry, error)
	// Shape puts impairments on the link of a shim: on what it sends, and on what it receives. Zero specs take
	// them away.
	Shape(ctx context.Context, ipcp string, out, in core.LinkSpec) error
	// Status describes the daemon.
	Status(ctx context.Context) (Status, error)
}
