package ouroboros_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/sim"
)

// twoSystems runs two programs on two systems, 5 ms apart, in the simulator.
func twoSystems(server, client func(a *ouroboros.App) error) {
	w := sim.New(1)
	defer w.Close()
	envs := [2]core.Env{w.Node("server"), w.Node("client")}
	wire, err := w.Link(core.LinkSpec{Name: "wire", Rate: 1e7, Delay: 5 * time.Millisecond}, envs[0], envs[1])
	if err != nil {
		fmt.Println(err)
		return
	}
	var ends [2]core.Link
	ends[0], ends[1] = wire.Ends()
	for i, program := range []func(a *ouroboros.App) error{server, client} {
		layer := coretest.NewLayer(envs[i], ends[i])
		w.Go(envs[i], func(b core.Blocker) {
			b.Sleep(time.Duration(i) * time.Second) // the server first
			if err := program(ouroboros.New(envs[i], layer, b)); err != nil {
				fmt.Println(err)
			}
		})
	}
	if err := w.Run(core.Time(time.Minute)); err != nil {
		fmt.Println(err)
	}
}

// A flow is down, closed by the peer, or late: the errors say which.
func ExampleFlow_ReadMsg() {
	server := func(a *ouroboros.App) error {
		l, err := a.Listen("greeter")
		if err != nil {
			return err
		}
		f, err := l.Accept()
		if err != nil {
			return err
		}
		if err := f.WriteMsg([]byte("hello")); err != nil {
			return err
		}
		if err := a.Sleep(3 * time.Second); err != nil {
			return err
		}
		return f.Close()
	}
	client := func(a *ouroboros.App) error {
		f, err := a.Dial("greeter", ouroboros.WithQoS(core.QoSData))
		if err != nil {
			return err
		}
		defer f.Close()
		if err := f.SetReadTimeout(time.Second); err != nil {
			return err
		}
		buf := make([]byte, 1500)
		for {
			n, err := f.ReadMsg(buf)
			switch {
			case err == nil:
				fmt.Printf("a message: %s\n", buf[:n])
			case errors.Is(err, core.ErrTimedOut):
				fmt.Println("nothing for a second")
			case errors.Is(err, io.EOF): // core.ErrPeerClosed
				fmt.Println("closed by the server")
				return nil
			default:
				return err
			}
		}
	}
	twoSystems(server, client)
	// Output:
	// a message: hello
	// nothing for a second
	// nothing for a second
	// closed by the server
}

// A program that must not wait asks what can be read, and is told when there is room to write.
func ExampleSet() {
	server := func(a *ouroboros.App) error {
		l, err := a.Listen("sink")
		if err != nil {
			return err
		}
		f, err := l.Accept()
		if err != nil {
			return err
		}
		total := 0
		for {
			p, err := f.ReadPacket()
			if errors.Is(err, core.ErrPeerClosed) {
				fmt.Printf("%d bytes have arrived\n", total)
				return f.Close()
			}
			if err != nil {
				return err
			}
			total += p.Len()
			p.Release()
		}
	}
	client := func(a *ouroboros.App) error {
		f, err := a.Dial("sink", ouroboros.WithQoS(core.QoSData))
		if err != nil {
			return err
		}
		if err := f.SetFlags(ouroboros.DefaultFlags | ouroboros.Nonblock); err != nil {
			return err
		}
		set := a.NewSet()
		if err := set.Add(f); err != nil {
			return err
		}
		msg := make([]byte, 1000)
		refused := false
		for sent := 0; sent < 1000; {
			err := f.WriteMsg(msg)
			switch {
			case err == nil:
				sent++
			case errors.Is(err, core.ErrAgain): // no room: do something else until there is
				refused = true
				if _, err := set.Wait(ouroboros.Never); err != nil { // EventWritable
					return err
				}
			default:
				return err
			}
		}
		fmt.Println("had to wait for room:", refused)
		return f.Close()
	}
	twoSystems(server, client)
	// Output:
	// had to wait for room: true
	// 1000000 bytes have arrived
}

// A goroutine gives a call up by its context.
func ExampleApp_DialContext() {
	dial := func(ctx context.Context, a *ouroboros.App) error {
		ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		f, err := a.DialContext(ctx, "far-away", ouroboros.WithQoS(core.QoSData))
		if err != nil {
			return err
		}
		return f.Close()
	}
	// A program of the simulator has no goroutines, and no context that ends.
	twoSystems(func(*ouroboros.App) error { return nil }, func(a *ouroboros.App) error {
		if err := dial(context.Background(), a); errors.Is(err, core.ErrUnsupp) {
			fmt.Println("for goroutines only")
		}
		return nil
	})
	// Output: for goroutines only
}
