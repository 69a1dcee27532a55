package ouroboros_test

import (
	"fmt"
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
