package ouroboros_test

import (
	"fmt"
	"io"
	"time"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/sim"
)

// Two programs on a wire of 1 Mbit/s and 5 ms, in virtual time: the server answers one request.
func Example() {
	w := sim.New(1)
	defer w.Close()
	a, b := w.Node("amsterdam"), w.Node("brussels")
	wire, err := w.Link(core.LinkSpec{Name: "wire", Rate: 1e6, Delay: 5 * time.Millisecond}, a, b)
	if err != nil {
		fmt.Println(err)
		return
	}
	la, lb := wire.Ends()
	client, server := coretest.NewLayer(a, la), coretest.NewLayer(b, lb)

	w.Go(b, func(blk core.Blocker) {
		l, _ := ouroboros.New(b, server, blk).Listen("clock")
		f, _ := l.Accept()
		defer f.Close()
		question := make([]byte, 100)
		n, _ := f.ReadMsg(question)
		fmt.Printf("brussels is asked %q\n", question[:n])
		_ = f.WriteMsg([]byte("half past nine"))
	})
	w.Go(a, func(blk core.Blocker) {
		blk.Sleep(time.Second)
		f, err := ouroboros.New(a, client, blk).Dial("clock")
		if err != nil {
			fmt.Println(err)
			return
		}
		defer f.Close()
		asked := blk.Now()
		_ = f.WriteMsg([]byte("what time is it?"))
		answer := make([]byte, 100)
		n, _ := f.ReadMsg(answer)
		fmt.Printf("amsterdam hears %q after %v\n", answer[:n], blk.Now().Sub(asked).Round(time.Millisecond))
	})
	if err := w.Run(core.Time(time.Minute)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// brussels is asked "what time is it?"
	// amsterdam hears "half past nine" after 11ms
}

// A stream of bytes is a net.Conn on a reliable flow: what reads and writes bytes runs over it. Here a wire loses
// every tenth packet.
func ExampleApp_DialStream() {
	w := sim.New(1)
	defer w.Close()
	a, b := w.Node("amsterdam"), w.Node("brussels")
	wire, err := w.Link(core.LinkSpec{Name: "wire", Rate: 1e7, Delay: 5 * time.Millisecond, Loss: 0.1}, a, b)
	if err != nil {
		fmt.Println(err)
		return
	}
	la, lb := wire.Ends()
	client, server := coretest.NewLayer(a, la), coretest.NewLayer(b, lb)

	w.Go(b, func(blk core.Blocker) {
		l, _ := ouroboros.New(b, server, blk).ListenStream("archive")
		c, _ := l.Accept()
		defer c.Close()
		n, err := io.Copy(io.Discard, c)
		fmt.Printf("brussels has read %d bytes, %v\n", n, err)
	})
	w.Go(a, func(blk core.Blocker) {
		blk.Sleep(time.Second)
		c, err := ouroboros.New(a, client, blk).DialStream("archive")
		if err != nil {
			fmt.Println(err)
			return
		}
		defer c.Close()
		n, err := c.Write(make([]byte, 1_000_000))
		fmt.Printf("amsterdam has written %d bytes, %v\n", n, err)
	})
	if err := w.Run(core.Time(time.Minute)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// amsterdam has written 1000000 bytes, <nil>
	// brussels has read 1000000 bytes, <nil>
}
