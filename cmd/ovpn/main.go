// Command ovpn carries the packets of a virtual interface over a flow: an IP tunnel, or with --tap an Ethernet one
// (spec 14 §14.8). Each packet is a message.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"ouroboros"
	"ouroboros/cmd/internal/tool"
	"ouroboros/core"
	"ouroboros/shim/host"
	"ouroboros/shim/host/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal kills
	o := &ovpn{}
	os.Exit(o.tool().Run(ctx, os.Args[1:], os.Stdout, os.Stderr, o.live))
}

// ovpn is the command: its options, and the system that it runs on.
type ovpn struct {
	peer tool.Peer
	link linkFlags
	on   system
}

// system is what the tunnel needs beside the App.
type system struct {
	env   core.Env
	alloc core.Allocator
	tun   func(host.TunConfig) (device, error)
}

func (o *ovpn) tool() *tool.Tool {
	return &tool.Tool{
		Name:  "ovpn",
		Short: "Carry IP or Ethernet over a flow",
		Long: `ovpn makes a virtual interface and carries its packets over a flow, one packet per
message. With -n it asks for the flow; without it accepts one, for a name that
it is bound to, or with --listen for the name of -n. The interface is removed
when the program ends. It needs the capability CAP_NET_ADMIN.

The flow is encrypted where the configuration of its name says so, and with
--encrypt always. Both ends must have --tap, or neither.`,
		Example: `
			ovpn -i 10.7.0.2 -m 255.255.255.0                     accept a flow
			ovpn -n vpn -i 10.7.0.1 -m 255.255.255.0              connect to it
			ovpn -n vpn -i 10.7.0.1/24 -i fd07::1/64 --encrypt    IPv4 and IPv6, encrypted
			ovpn -n lan --tap --device lan0                       an Ethernet interface, without address`,
		Flags: func(fs *pflag.FlagSet) {
			o.peer.Flags(fs, "name")
			fs.Lookup("name").Usage = "`name` to connect to (default: accept a flow); with --listen the name to accept it for"
			fs.Lookup("listen").Usage = "accept a flow for the name of -n"
			o.link.flags(fs)
		},
		Check: func() error {
			if o.peer.Name == "" {
				o.peer.Listen = true
			}
			return o.link.check()
		},
		Program: o.run,
	}
}

// live runs the program on the system of the daemon.
func (o *ovpn) live(ctx context.Context, dir, _ string, out io.Writer, program func(*tool.System) error) error {
	s, err := app.Open(app.WithDir(dir), app.WithProgram("ovpn"))
	if err != nil {
		return err
	}
	world, env := s.World()
	o.on = system{env: env, alloc: s.Client(), tun: func(cfg host.TunConfig) (device, error) {
		t, err := world.Tun(env, cfg)
		if err != nil {
			return nil, err // not a nil pointer in an interface
		}
		return t, nil
	}}
	err = s.Run(ctx, func(b core.Blocker, a *ouroboros.App) error {
		return program(&tool.System{App: a, B: b, Wall: func() int64 { return time.Now().UnixNano() }, Out: out})
	})
	return errors.Join(err, s.Close())
}
