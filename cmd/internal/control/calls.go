package control

import (
	"context"
	"time"

	"ouroboros/cmd/internal/control/pb"
	"ouroboros/core"
)

// CreateIPCP implements Handler.
func (c *Client) CreateIPCP(ctx context.Context, name string, kind Kind) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_CreateIpcp{CreateIpcp: &pb.CreateIPCP{Name: name, Kind: uint32(kind)}}})
}

// DestroyIPCP implements Handler.
func (c *Client) DestroyIPCP(ctx context.Context, name string) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_DestroyIpcp{DestroyIpcp: &pb.IPCP{Name: name}}})
}

// ListIPCPs implements Handler.
func (c *Client) ListIPCPs(ctx context.Context) ([]IPCPInfo, error) {
	r, err := c.call(ctx, &pb.Request{Operation: &pb.Request_ListIpcps{ListIpcps: &pb.Nothing{}}})
	if err != nil {
		return nil, err
	}
	return readAll(r.Ipcps, readIPCP)
}

// Bootstrap implements Handler.
func (c *Client) Bootstrap(ctx context.Context, name string, b BootstrapConfig) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_Bootstrap{Bootstrap: writeBootstrap(name, b)}})
}

// Enroll implements Handler.
func (c *Client) Enroll(ctx context.Context, name string, e EnrollConfig) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_Enroll{
		Enroll: &pb.Enroll{Name: name, Layer: e.Layer, Dst: e.Dst, Autobind: e.Autobind},
	}})
}

// Connect implements Handler.
func (c *Client) Connect(ctx context.Context, name string, x ConnectConfig) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_Connect{
		Connect: &pb.Connect{Name: name, Dst: x.Dst, Components: uint32(x.Components), Qos: x.QoS},
	}})
}

// Disconnect implements Handler.
func (c *Client) Disconnect(ctx context.Context, name, dst string, comp Components) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_Disconnect{
		Disconnect: &pb.Connect{Name: name, Dst: dst, Components: uint32(comp)},
	}})
}

// BindProgram implements Handler.
func (c *Client) BindProgram(ctx context.Context, program, name string, auto bool, args []string) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_BindProgram{
		BindProgram: &pb.ProgramBinding{Program: program, Name: name, Auto: auto, Args: args},
	}})
}

// UnbindProgram implements Handler.
func (c *Client) UnbindProgram(ctx context.Context, program, name string) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_UnbindProgram{
		UnbindProgram: &pb.ProgramBinding{Program: program, Name: name},
	}})
}

// BindProcess implements Handler.
func (c *Client) BindProcess(ctx context.Context, pid int, name string) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_BindProcess{BindProcess: &pb.ProcessBinding{Pid: int64(pid), Name: name}}})
}

// UnbindProcess implements Handler.
func (c *Client) UnbindProcess(ctx context.Context, pid int, name string) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_UnbindProcess{UnbindProcess: &pb.ProcessBinding{Pid: int64(pid), Name: name}}})
}

// BindIPCP implements Handler.
func (c *Client) BindIPCP(ctx context.Context, ipcp, name string) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_BindIpcp{BindIpcp: &pb.IPCPBinding{Ipcp: ipcp, Name: name}}})
}

// UnbindIPCP implements Handler.
func (c *Client) UnbindIPCP(ctx context.Context, ipcp, name string) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_UnbindIpcp{UnbindIpcp: &pb.IPCPBinding{Ipcp: ipcp, Name: name}}})
}

// CreateName implements Handler.
func (c *Client) CreateName(ctx context.Context, name string, n NameConfig) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_CreateName{CreateName: writeName(name, n)}})
}

// DestroyName implements Handler.
func (c *Client) DestroyName(ctx context.Context, name string) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_DestroyName{DestroyName: &pb.Name{Name: name}}})
}

// ListNames implements Handler.
func (c *Client) ListNames(ctx context.Context) ([]NameInfo, error) {
	r, err := c.call(ctx, &pb.Request{Operation: &pb.Request_ListNames{ListNames: &pb.Nothing{}}})
	if err != nil {
		return nil, err
	}
	return readAll(r.Names, readNameInfo)
}

// Register implements Handler.
func (c *Client) Register(ctx context.Context, name string, ipcps, layers []string) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_Register{
		Register: &pb.Registration{Name: name, Ipcps: ipcps, Layers: layers},
	}})
}

// Unregister implements Handler.
func (c *Client) Unregister(ctx context.Context, name string, ipcps, layers []string) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_Unregister{
		Unregister: &pb.Registration{Name: name, Ipcps: ipcps, Layers: layers},
	}})
}

// RIB implements Handler.
func (c *Client) RIB(ctx context.Context, path string) ([]RIBEntry, error) {
	r, err := c.call(ctx, &pb.Request{Operation: &pb.Request_Rib{Rib: &pb.RIBPath{Path: path}}})
	if err != nil {
		return nil, err
	}
	return readAll(r.Entries, func(e *pb.RIBEntry) (RIBEntry, error) { return RIBEntry{e.Path, e.Content}, nil })
}

// Shape implements Handler.
func (c *Client) Shape(ctx context.Context, ipcp string, out, in core.LinkSpec) error {
	return c.do(ctx, &pb.Request{Operation: &pb.Request_Shape{
		Shape: &pb.Shape{Ipcp: ipcp, Out: writeSpec(out), In: writeSpec(in)},
	}})
}

// Status implements Handler.
func (c *Client) Status(ctx context.Context) (Status, error) {
	r, err := c.call(ctx, &pb.Request{Operation: &pb.Request_Status{Status: &pb.Nothing{}}})
	if err != nil {
		return Status{}, err
	}
	st := Status{Version: r.Status.GetVersion(), PID: int(r.Status.GetPid()), Uptime: time.Duration(r.Status.GetUptimeNs())}
	for _, x := range r.Status.GetCounters() {
		st.Counters = append(st.Counters, Counter{x.Name, x.Value})
	}
	return st, nil
}
