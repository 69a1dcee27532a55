package host

import (
	"fmt"
	"net"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// udpEcho sends every datagram back, until n have come.
type udpEcho struct {
	w    *World
	port *UDPPort
	n    int
}

func (u *udpEcho) Receive(p *pkt.Buf, from core.Addr) {
	if u.n--; u.n == 0 {
		u.w.Stop()
	}
	if u.n <= 0 {
		p.Release()
		return
	}
	_ = u.port.Send(p, from)
}
func (*udpEcho) Writable()      {}
func (*udpEcho) LinkState(bool) {}

// BenchmarkUDPEcho is a datagram of 64 bytes to another port on the loopback interface and back.
func BenchmarkUDPEcho(b *testing.B) {
	b.Run("port", func(b *testing.B) {
		var users [2]*udpEcho
		var to core.Addr
		done := make(chan error, 1)
		// Each end has a world of its own, as in two processes.
		for i := range users {
			w := New(1)
			defer w.Close()
			u, err := w.UDP(w.Node("n"), loopback4())
			if err != nil {
				b.Fatal(err)
			}
			users[i] = &udpEcho{w: w, port: u, n: b.N}
			u.Attach(users[i])
			to = u.Info().Addr
		}
		users[1].n++ // goes on until the other has all
		_ = users[0].port.Send(users[0].w.pool.Get(0, 64), to)
		b.ReportAllocs()
		b.ResetTimer()
		go func() { done <- users[1].w.Run(users[1].w.Now().Add(time.Hour)) }()
		if err := users[0].w.Run(users[0].w.Now().Add(time.Hour)); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		users[1].w.Stop()
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	})
	b.Run("bare", func(b *testing.B) {
		c, s := bareUDP(b), bareUDP(b)
		go func() {
			buf := make([]byte, 2048)
			for {
				n, from, err := s.ReadFromUDPAddrPort(buf)
				if err != nil {
					return
				}
				_, _ = s.WriteToUDPAddrPort(buf[:n], from)
			}
		}()
		to := s.LocalAddr().(*net.UDPAddr).AddrPort()
		buf := make([]byte, 64)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.WriteToUDPAddrPort(buf, to); err != nil {
				b.Fatal(err)
			}
			if _, _, err := c.ReadFromUDPAddrPort(buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func bareUDP(b *testing.B) *net.UDPConn {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	_ = c.SetReadBuffer(udpBuffer)
	b.Cleanup(func() { _ = c.Close() })
	return c
}

// BenchmarkUDPSend sends datagrams to a socket that nobody reads, by batches of 32: the cost of the sender and
// of the kernel.
func BenchmarkUDPSend(b *testing.B) {
	for _, size := range []int{64, 1000, 1400} {
		for _, plain := range []bool{false, true} {
			name := map[bool]string{false: "runs", true: "single"}[plain]
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				w := New(1)
				defer w.Close()
				cfg := loopback4()
				cfg.NoOffload = plain
				u, err := w.UDP(w.Node("n"), cfg)
				if err != nil {
					b.Fatal(err)
				}
				to := core.IPAddr(bareUDP(b).LocalAddr().(*net.UDPAddr).AddrPort())
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for i := 0; b.Loop(); i++ {
					_ = u.Send(w.pool.GetPhantom(0, size, 0), to)
					if i%32 == 31 {
						u.flush()
					}
				}
				w.flush()
			})
		}
		b.Run(fmt.Sprintf("bare/%d", size), func(b *testing.B) {
			c := bareUDP(b)
			to := bareUDP(b).LocalAddr().(*net.UDPAddr).AddrPort()
			buf := make([]byte, size)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				_, _ = c.WriteToUDPAddrPort(buf, to)
			}
		})
	}
}

// BenchmarkUDPReceive moves datagrams from one port to another, by turns of 256.
func BenchmarkUDPReceive(b *testing.B) {
	for _, size := range []int{64, 1400} {
		for _, plain := range []bool{false, true} {
			name := map[bool]string{false: "merged", true: "single"}[plain]
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				w := New(1)
				defer w.Close()
				cfg := loopback4()
				cfg.NoOffload = plain
				var ports [2]*UDPPort
				for i := range ports {
					u, err := w.UDP(w.Node(fmt.Sprint(i)), cfg)
					if err != nil {
						b.Fatal(err)
					}
					ports[i] = u
				}
				got, sent := 0, 0
				ports[1].Attach(sinkFunc(func(p *pkt.Buf, _ core.Addr) { got++; p.Release() }))
				to := ports[1].Info().Addr
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					_ = ports[0].Send(w.pool.GetPhantom(0, size, 0), to)
					if sent++; sent%256 == 0 {
						ports[0].flush()
						for got < sent {
							ports[1].readable()
						}
					}
				}
				w.flush()
			})
		}
	}
}
