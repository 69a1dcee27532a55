package control_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/control/controltest"
	"ouroboros/cmd/internal/control/pb"
	"ouroboros/core"
)

// What is no request is answered by an error and counted, and nobody else notices.
func TestMalformedRequestsAreCounted(t *testing.T) {
	f := &controltest.Fake{}
	s := &control.Server{Handler: f}
	dir := serve(t, s)
	other := dial(t, dir)
	status := piece(t, &pb.Request{Operation: &pb.Request_Status{}})
	half := marshal(t, &pb.Piece{Data: make([]byte, 30<<10)})
	for i, x := range [][][]byte{
		{[]byte("\xff\xff\xff\xff")},
		{marshal(t, &pb.Piece{Data: []byte{0xff}, Last: true})},
		{marshal(t, &pb.Piece{Data: make([]byte, 60<<10), Last: true})},
		{[]byte{0x10, 0}}, // neither content nor end
		{half, half, half, half, half, half, half, half, half},
	} {
		c := raw(t, dir)
		for _, b := range x {
			write(t, c, b)
		}
		if r := readReply(t, c); !r.Failed || core.Code(r.Code) != core.ErrInvalid || r.Error == "" {
			t.Errorf("%d: reply %v", i, r)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d: the connection stays open", i)
		}
		if got := s.Stats().Malformed; got != uint64(i+1) {
			t.Errorf("%d: %d malformed messages counted", i, got)
		}
		if _, err := other.Status(context.Background()); err != nil {
			t.Error(err)
		}
	}
	c := raw(t, dir)
	write(t, c, piece(t, &pb.Request{}))
	if r := readReply(t, c); core.Code(r.Code) != core.ErrUnsupp {
		t.Errorf("a request without operation: %v", r)
	}
	write(t, c, status)
	if r := readReply(t, c); r.Failed || r.Status.Version != "test" {
		t.Errorf("the request after it: %v", r)
	}
}

// A client does not send before it has its reply.
func TestRequestsAreOneAtATime(t *testing.T) {
	f, ended := blocking()
	s := &control.Server{Handler: f}
	c := raw(t, serve(t, s))
	b := piece(t, &pb.Request{Operation: &pb.Request_Status{}})
	write(t, c, b)
	waitFor(t, func() bool { return len(f.Calls()) == 1 })
	write(t, c, b)
	if r := readReply(t, c); core.Code(r.Code) != core.ErrInvalid {
		t.Errorf("reply %v", r)
	}
	if err := <-ended; err == nil {
		t.Error("the first request goes on")
	}
}

// Values out of range never reach the handler.
func TestRangesAreChecked(t *testing.T) {
	f := &controltest.Fake{}
	dir := serve(t, &control.Server{Handler: f})
	ok := func() *pb.Bootstrap { return &pb.Bootstrap{Name: "a", Kind: 1, Hash: 1} }
	boot := func(set func(*pb.Bootstrap)) *pb.Request {
		b := ok()
		set(b)
		return &pb.Request{Operation: &pb.Request_Bootstrap{Bootstrap: b}}
	}
	link := func(s *pb.LinkSpec) *pb.Request {
		return &pb.Request{Operation: &pb.Request_Shape{Shape: &pb.Shape{In: s}}}
	}
	for i, r := range []*pb.Request{
		{Operation: &pb.Request_CreateIpcp{CreateIpcp: &pb.CreateIPCP{Kind: 7}}},
		boot(func(b *pb.Bootstrap) { b.Kind = 100 }),
		boot(func(b *pb.Bootstrap) { b.Hash = 257 }),
		boot(func(b *pb.Bootstrap) { b.EtherType = 65536 }),
		boot(func(b *pb.Bootstrap) { b.Port = 65536 }),
		boot(func(b *pb.Bootstrap) { b.MaxTtl = 256 }),
		boot(func(b *pb.Bootstrap) { b.Ip = make([]byte, 5) }),
		boot(func(b *pb.Bootstrap) { b.Dns = make([]byte, 3) }),
		boot(func(b *pb.Bootstrap) { b.Policies = []*pb.Policy{{Kind: "routing"}, {Kind: "routing"}} }),
		{Operation: &pb.Request_Connect{Connect: &pb.Connect{}}},
		{Operation: &pb.Request_Connect{Connect: &pb.Connect{Components: 4}}},
		{Operation: &pb.Request_Connect{Connect: &pb.Connect{Components: 1, Qos: "best effort"}}},
		{Operation: &pb.Request_Disconnect{}},
		{Operation: &pb.Request_CreateName{CreateName: &pb.Name{Balance: 2}}},
		link(&pb.LinkSpec{Loss: 1.5}),
		link(&pb.LinkSpec{Rate: -1}),
		link(&pb.LinkSpec{Gilbert: &pb.GilbertElliott{P: -1}}),
	} {
		c := raw(t, dir)
		write(t, c, piece(t, r))
		if got := readReply(t, c); !got.Failed || got.Error == "" {
			t.Errorf("%d: reply %v", i, got)
		}
	}
	if got := f.Calls(); got != nil {
		t.Errorf("the handler was called: %q", got)
	}
}

// Connections are bounded. Those beyond are told so.
func TestConnectionsAreBounded(t *testing.T) {
	s := &control.Server{Handler: &controltest.Fake{}, MaxConns: 2}
	dir := serve(t, s)
	a, b, c := dial(t, dir), dial(t, dir), dial(t, dir)
	ctx := context.Background()
	for _, c := range []*control.Client{a, b} {
		if _, err := c.Status(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		if _, err := c.Status(ctx); !errors.Is(err, core.ErrAgain) || !strings.Contains(err.Error(), "2 management connections") {
			t.Fatalf("the third connection: %v", err)
		}
	}
	if st := s.Stats(); st.Refused == 0 || st.Conns != 2 {
		t.Errorf("%+v", st)
	}
	a.Close()
	waitFor(t, func() bool { _, err := c.Status(ctx); return err == nil })
}

// A request that is too long is refused where it is made, and the connection can be used on.
func TestRequestsAreBounded(t *testing.T) {
	f := &controltest.Fake{}
	c := dial(t, serve(t, &control.Server{Handler: f}))
	err := c.BindProgram(context.Background(), "p", "n", true, []string{strings.Repeat("x", control.MaxRequest)})
	if !errors.Is(err, core.ErrInvalid) || f.Calls() != nil {
		t.Errorf("a long request: %v", err)
	}
	if err := c.BindProgram(context.Background(), "p", "n", true, []string{strings.Repeat("x", control.MaxRequest-100)}); err != nil {
		t.Error(err)
	}
}

// What clients do wrong is logged now and then, however often they do it.
func TestComplaintsDoNotFillTheLog(t *testing.T) {
	var lines atomic.Int64
	s := &control.Server{Handler: &controltest.Fake{}, Log: slog.New(countLines{&lines})}
	dir := serve(t, s)
	const tries = 50
	for range tries {
		c := raw(t, dir)
		write(t, c, []byte("\xff\xff\xff\xff"))
		readReply(t, c)
	}
	if got := s.Stats().Malformed; got != tries {
		t.Errorf("%d malformed messages counted of %d", got, tries)
	}
	if n := lines.Load(); n == 0 || n > tries/2 {
		t.Errorf("%d lines in the log", n)
	}
}

// countLines is a log that counts.
type countLines struct{ n *atomic.Int64 }

func (countLines) Enabled(context.Context, slog.Level) bool { return true }

func (c countLines) Handle(context.Context, slog.Record) error { c.n.Add(1); return nil }

func (c countLines) WithAttrs([]slog.Attr) slog.Handler { return c }

func (c countLines) WithGroup(string) slog.Handler { return c }
