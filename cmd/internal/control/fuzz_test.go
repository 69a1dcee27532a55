package control_test

import (
	"context"
	"testing"
	"time"

	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/control/controltest"
	"ouroboros/cmd/internal/control/pb"
)

// Whatever comes, the server lives: it answers or hangs up, and serves the next client.
func FuzzServer(f *testing.F) {
	dir := serve(f, &control.Server{Handler: &controltest.Fake{}})
	for _, r := range []*pb.Request{
		{Operation: &pb.Request_Status{}},
		{TimeoutNs: 1 << 63, Operation: &pb.Request_Bootstrap{Bootstrap: &pb.Bootstrap{Name: "a", Kind: 5, Ip: []byte{1, 2, 3, 4}, Policies: []*pb.Policy{{Kind: "x"}}}}},
		{Operation: &pb.Request_Shape{Shape: &pb.Shape{Out: &pb.LinkSpec{Drop: []uint64{1}}}}},
		{Operation: &pb.Request_CreateName{}},
		{Operation: &pb.Request_Connect{}},
		{Operation: &pb.Request_Register{Register: &pb.Registration{Name: "n", Ipcps: []string{"*"}}}},
	} {
		f.Add(piece(f, r), false)
		f.Add(piece(f, r), true)
	}
	f.Add([]byte{0x0a, 1}, true)
	f.Add([]byte{}, false)
	probe := dial(f, dir)
	f.Fuzz(func(t *testing.T, b []byte, twice bool) {
		c := raw(t, dir)
		c.SetDeadline(time.Now().Add(time.Millisecond))
		c.Write(b)
		if twice {
			c.Write(b)
		}
		c.Read(make([]byte, 64<<10))
		c.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if _, err := probe.Status(ctx); err != nil {
			t.Fatal(err)
		}
	})
}
