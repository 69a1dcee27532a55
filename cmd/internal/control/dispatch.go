package control

import (
	"context"
	"fmt"

	"ouroboros/cmd/internal/control/pb"
	"ouroboros/core"
)

// dispatch makes the call that a request stands for. Values that no Handler is to see give core.ErrInvalid.
func dispatch(ctx context.Context, h Handler, r *pb.Request) (*pb.Reply, error) {
	switch op := r.Operation.(type) {
	case *pb.Request_ListIpcps, *pb.Request_ListNames, *pb.Request_Rib, *pb.Request_Status:
		return ask(ctx, h, r)
	case *pb.Request_BindProgram, *pb.Request_UnbindProgram, *pb.Request_BindProcess, *pb.Request_UnbindProcess,
		*pb.Request_BindIpcp, *pb.Request_UnbindIpcp:
		return &pb.Reply{}, bind(ctx, h, r)
	case *pb.Request_CreateName:
		n, err := readName(op.CreateName)
		if err != nil {
			return nil, err
		}
		return &pb.Reply{}, h.CreateName(ctx, op.CreateName.GetName(), n)
	case *pb.Request_DestroyName:
		return &pb.Reply{}, h.DestroyName(ctx, op.DestroyName.GetName())
	case *pb.Request_Register:
		return &pb.Reply{}, h.Register(ctx, op.Register.GetName(), op.Register.GetIpcps(), op.Register.GetLayers())
	case *pb.Request_Unregister:
		return &pb.Reply{}, h.Unregister(ctx, op.Unregister.GetName(), op.Unregister.GetIpcps(), op.Unregister.GetLayers())
	}
	return &pb.Reply{}, change(ctx, h, r)
}

// change makes the calls that change an IPCP.
func change(ctx context.Context, h Handler, r *pb.Request) error {
	switch op := r.Operation.(type) {
	case *pb.Request_CreateIpcp:
		k, err := readKind(op.CreateIpcp.GetKind())
		if err != nil {
			return err
		}
		return h.CreateIPCP(ctx, op.CreateIpcp.GetName(), k)
	case *pb.Request_DestroyIpcp:
		return h.DestroyIPCP(ctx, op.DestroyIpcp.GetName())
	case *pb.Request_Bootstrap:
		b, err := readBootstrap(op.Bootstrap)
		if err != nil {
			return err
		}
		return h.Bootstrap(ctx, op.Bootstrap.GetName(), b)
	case *pb.Request_Enroll:
		e := op.Enroll
		return h.Enroll(ctx, e.GetName(), EnrollConfig{Layer: e.GetLayer(), Dst: e.GetDst(), Autobind: e.GetAutobind()})
	case *pb.Request_Connect:
		c, err := readConnect(op.Connect)
		if err != nil {
			return err
		}
		return h.Connect(ctx, op.Connect.GetName(), c)
	case *pb.Request_Disconnect:
		c, err := readConnect(op.Disconnect)
		if err != nil {
			return err
		}
		return h.Disconnect(ctx, op.Disconnect.GetName(), c.Dst, c.Components)
	case *pb.Request_Shape:
		out, err := readSpec(op.Shape.GetOut())
		if err != nil {
			return err
		}
		in, err := readSpec(op.Shape.GetIn())
		if err != nil {
			return err
		}
		return h.Shape(ctx, op.Shape.GetIpcp(), out, in)
	}
	return fmt.Errorf("%w: the request has no operation that this daemon knows", core.ErrUnsupp)
}

// bind makes the calls that bind and unbind.
func bind(ctx context.Context, h Handler, r *pb.Request) error {
	switch op := r.Operation.(type) {
	case *pb.Request_BindProgram:
		p := op.BindProgram
		return h.BindProgram(ctx, p.GetProgram(), p.GetName(), p.GetAuto(), p.GetArgs())
	case *pb.Request_UnbindProgram:
		return h.UnbindProgram(ctx, op.UnbindProgram.GetProgram(), op.UnbindProgram.GetName())
	case *pb.Request_BindProcess:
		return h.BindProcess(ctx, int(op.BindProcess.GetPid()), op.BindProcess.GetName())
	case *pb.Request_UnbindProcess:
		return h.UnbindProcess(ctx, int(op.UnbindProcess.GetPid()), op.UnbindProcess.GetName())
	case *pb.Request_BindIpcp:
		return h.BindIPCP(ctx, op.BindIpcp.GetIpcp(), op.BindIpcp.GetName())
	case *pb.Request_UnbindIpcp:
		return h.UnbindIPCP(ctx, op.UnbindIpcp.GetIpcp(), op.UnbindIpcp.GetName())
	}
	return core.ErrUnsupp
}

// ask makes the calls that only look.
func ask(ctx context.Context, h Handler, r *pb.Request) (*pb.Reply, error) {
	reply := &pb.Reply{}
	switch op := r.Operation.(type) {
	case *pb.Request_ListIpcps:
		l, err := h.ListIPCPs(ctx)
		if err != nil {
			return nil, err
		}
		for _, i := range l {
			reply.Ipcps = append(reply.Ipcps, writeIPCP(i))
		}
	case *pb.Request_ListNames:
		l, err := h.ListNames(ctx)
		if err != nil {
			return nil, err
		}
		for _, n := range l {
			reply.Names = append(reply.Names, writeNameInfo(n))
		}
	case *pb.Request_Rib:
		l, err := h.RIB(ctx, op.Rib.GetPath())
		if err != nil {
			return nil, err
		}
		for _, e := range l {
			reply.Entries = append(reply.Entries, &pb.RIBEntry{Path: e.Path, Content: e.Content})
		}
	case *pb.Request_Status:
		st, err := h.Status(ctx)
		if err != nil {
			return nil, err
		}
		reply.Status = &pb.Status{Version: st.Version, Pid: int64(st.PID), UptimeNs: int64(st.Uptime)}
		for _, c := range st.Counters {
			reply.Status.Counters = append(reply.Status.Counters, &pb.Counter{Name: c.Name, Value: c.Value})
		}
	}
	return reply, nil
}
