package app_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/shim/host/app"
)

// The benchmarks run in processes of their own, as a live system does: the test binary starts itself again in a role.
//
//	ours    client (this process) - daemon - server     broker with a local layer, raw flows
//	bare    client (this process) - relay  - server     SOCK_SEQPACKET, one packet or many in a message
const (
	roleVar = "OUROBOROS_BENCH_ROLE"
	dirVar  = "OUROBOROS_BENCH_DIR"
)

// TestMain holds that sessions and daemons leave no goroutine behind, unless this is a process of a benchmark.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		if err := roles[role](os.Getenv(dirVar)); err != nil {
			fmt.Fprintln(os.Stderr, role, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

var roles map[string]func(dir string) error

func init() {
	roles = map[string]func(dir string) error{"daemon": daemonRole, "server": serverRole, "relay": relayRole, "bare": bareRole, "flood": floodRole}
}

// start runs a role in a process until kill, or the end of the test.
func start(t testing.TB, role, dir string) (kill func()) {
	t.Helper()
	exe, err := os.Executable()
	check(t, err)
	c := exec.Command(exe)
	c.Env = append(os.Environ(), roleVar+"="+role, dirVar+"="+dir)
	c.Stderr = os.Stderr
	check(t, c.Start())
	kill = func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	t.Cleanup(kill)
	return kill
}

// Requests that the servers of both kinds answer: the first byte of a message.
const (
	askEcho  = iota // send it back
	askCount        // count it
	askTotal        // answer with how many were counted, and begin anew
)

func daemonRole(dir string) error {
	d, err := startDaemon(dir, irm.Config{})
	if err != nil {
		return err
	}
	d.ended.Wait()
	return nil
}

func serverRole(dir string) error {
	s, err := patient(dir)
	if err != nil {
		return err
	}
	return s.Run(context.Background(), func(_ core.Blocker, a *ouroboros.App) error {
		l, err := a.Listen("bench")
		if err != nil {
			return err
		}
		for {
			f, err := l.Accept()
			if err != nil {
				return err
			}
			answer(f)
			_ = f.Close()
		}
	})
}

func answer(f *ouroboros.Flow) {
	n := uint64(0)
	for {
		p, err := f.ReadPacket()
		if err != nil {
			return
		}
		switch p.Front()[0] {
		case askEcho:
			err = f.WritePacket(p)
			p = nil
		case askTotal:
			err = f.WriteMsg(binary.BigEndian.AppendUint64(nil, n))
			n = 0
		default:
			n++
		}
		if p != nil {
			p.Release()
		}
		if err != nil {
			return
		}
	}
}

// patient opens a session as soon as there is a daemon.
func patient(dir string) (s *app.Session, err error) {
	for range 500 {
		if s, err = app.Open(app.WithDir(dir), app.WithProgram("bench")); err == nil {
			return s, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, err
}

// relayRole passes messages on between two connections, as they are.
func relayRole(dir string) error {
	up, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: filepath.Join(dir, "up"), Net: "unixpacket"})
	if err != nil {
		return err
	}
	c, err := up.AcceptUnix()
	if err != nil {
		return err
	}
	s, err := dialBare(filepath.Join(dir, "down"))
	if err != nil {
		return err
	}
	pass := func(from, to *net.UnixConn) error {
		buf := make([]byte, 1<<17)
		for {
			n, err := from.Read(buf)
			if err != nil || n == 0 {
				return err
			}
			if _, err = to.Write(buf[:n]); err != nil {
				return err
			}
		}
	}
	go func() { _ = pass(s, c) }()
	return pass(c, s)
}

func dialBare(path string) (c *net.UnixConn, err error) {
	for range 500 {
		if c, err = net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"}); err == nil {
			return c, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, err
}

// bareRole answers messages of packets, each with its length in two bytes in front.
func bareRole(dir string) error {
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: filepath.Join(dir, "down"), Net: "unixpacket"})
	if err != nil {
		return err
	}
	c, err := l.AcceptUnix()
	if err != nil {
		return err
	}
	buf, n := make([]byte, 1<<17), uint64(0)
	for {
		k, err := c.Read(buf)
		if err != nil || k == 0 {
			return err
		}
		for m := buf[:k]; len(m) > 2; {
			p := m[2 : 2+binary.BigEndian.Uint16(m)]
			m = m[2+len(p):]
			switch p[0] {
			case askEcho:
				_, err = c.Write(buf[:k])
			case askTotal:
				_, err = c.Write(binary.BigEndian.AppendUint64(nil, n))
				n = 0
			default:
				n++
			}
			if err != nil {
				return err
			}
		}
	}
}

// bareClient starts a bare chain and returns the client's end.
func bareClient(b *testing.B) *net.UnixConn {
	dir := b.TempDir()
	start(b, "bare", dir)
	start(b, "relay", dir)
	c, err := dialBare(filepath.Join(dir, "up"))
	check(b, err)
	b.Cleanup(func() { _ = c.Close() })
	return c
}

// session starts a daemon and a server, and returns a session of the client.
func session(b *testing.B) *app.Session {
	dir := b.TempDir()
	start(b, "daemon", dir)
	start(b, "server", dir)
	s, err := patient(dir)
	check(b, err)
	b.Cleanup(func() { check(b, s.Close()) })
	return s
}

// bench runs a program with a raw flow to the server.
func bench(b *testing.B, s *app.Session, program func(f *ouroboros.Flow) error) {
	check(b, s.Run(b.Context(), func(bl core.Blocker, a *ouroboros.App) error {
		var f *ouroboros.Flow
		var err error
		for range 500 {
			if f, err = a.Dial("bench"); err == nil {
				break
			}
			bl.Sleep(10 * time.Millisecond)
		}
		if err != nil {
			return err
		}
		return errors.Join(program(f), f.Close())
	}))
}

var sizes = []int{64, 1000, 1400}

// BenchmarkRoundTrip is a message to another process and back.
func BenchmarkRoundTrip(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("bare/%d", size), func(b *testing.B) {
			c := bareClient(b)
			msg := packet(size, askEcho)
			for b.Loop() {
				_, err := c.Write(msg)
				check(b, err)
				_, err = c.Read(msg)
				check(b, err)
			}
		})
		b.Run(fmt.Sprintf("program/%d", size), func(b *testing.B) {
			s := session(b)
			bench(b, s, func(f *ouroboros.Flow) error {
				buf := make([]byte, size)
				b.ReportAllocs()
				for b.Loop() {
					if err := f.WriteMsg(buf); err != nil {
						return err
					}
					p, err := f.ReadPacket()
					if err != nil {
						return err
					}
					p.Release()
				}
				return nil
			})
		})
		b.Run(fmt.Sprintf("goroutine/%d", size), func(b *testing.B) {
			s := session(b)
			var f *ouroboros.Flow
			var err error
			for range 500 {
				if f, err = s.App().Dial("bench"); err == nil {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			check(b, err)
			buf, out := make([]byte, size), make([]byte, size)
			b.ReportAllocs()
			for b.Loop() {
				check(b, f.WriteMsg(out))
				_, err := f.ReadMsg(buf)
				check(b, err)
			}
			check(b, f.Close())
		})
	}
}

// packet is a message of one packet of the bare chain.
func packet(size int, ask byte) []byte {
	m := binary.BigEndian.AppendUint16(nil, uint16(size))
	m = append(m, make([]byte, size)...)
	m[2] = ask
	return m
}

// BenchmarkPackets is how many packets per second reach another process.
func BenchmarkPackets(b *testing.B) {
	for _, size := range sizes {
		for _, many := range []bool{false, true} {
			name := map[bool]string{true: "many"}[many]
			if name == "" {
				name = "one"
			}
			b.Run(fmt.Sprintf("bare-%s/%d", name, size), func(b *testing.B) {
				c := bareClient(b)
				msg, per := packet(size, askCount), 1
				if many {
					per = 32 << 10 / len(msg)
					one := msg
					for range per - 1 {
						msg = append(msg, one...)
					}
				}
				n := 0
				begin := time.Now()
				for b.Loop() {
					_, err := c.Write(msg)
					check(b, err)
					n += per
				}
				_, err := c.Write(packet(size, askTotal))
				check(b, err)
				_, err = c.Read(msg)
				check(b, err)
				rate(b, n, int(binary.BigEndian.Uint64(msg)), time.Since(begin))
			})
		}
		b.Run(fmt.Sprintf("ours/%d", size), func(b *testing.B) {
			s := session(b)
			bench(b, s, func(f *ouroboros.Flow) error {
				buf, n := make([]byte, size), 0
				buf[0] = askCount
				b.ReportAllocs()
				begin := time.Now()
				for b.Loop() {
					if err := f.WriteMsg(buf); err != nil {
						return err
					}
					n++
				}
				took := time.Since(begin)
				buf[0] = askTotal
				_, env := s.World()
				for { // the question may be lost, as anything on a raw flow
					if err := f.WriteMsg(buf); err != nil {
						return err
					}
					f.SetReadDeadline(env.Now().Add(100 * time.Millisecond))
					p, err := f.ReadPacket()
					if errors.Is(err, core.ErrTimedOut) {
						continue
					}
					if err != nil {
						return err
					}
					rate(b, n, int(binary.BigEndian.Uint64(p.Bytes())), took)
					p.Release()
					return nil
				}
			})
		})
	}
}

// rate reports packets per second that arrived, and what part of those sent was lost.
func rate(b *testing.B, sent, arrived int, d time.Duration) {
	b.ReportMetric(float64(arrived)/d.Seconds()/1e3, "kpkt/s")
	b.ReportMetric(100*float64(sent-arrived)/float64(sent), "%lost")
}

// BenchmarkDial is a flow that is allocated, with its handshake, and closed.
func BenchmarkDial(b *testing.B) {
	s := session(b)
	check(b, s.Run(b.Context(), func(bl core.Blocker, a *ouroboros.App) error {
		for range 500 {
			if f, err := a.Dial("bench"); err == nil {
				_ = f.Close()
				break
			}
			bl.Sleep(10 * time.Millisecond)
		}
		b.ReportAllocs()
		for b.Loop() {
			f, err := a.Dial("bench")
			if err != nil {
				return err
			}
			if err := f.Close(); err != nil {
				return err
			}
		}
		return nil
	}))
}

// BenchmarkIdleFlows is the memory that idle flows take in a process that has both ends, and the daemon's part, per flow.
func BenchmarkIdleFlows(b *testing.B) {
	const flows = 2000
	for name, q := range map[string]core.QoS{"raw": core.QoSRaw, "reliable": core.QoSData} {
		b.Run(name, func(b *testing.B) {
			d := newDaemon(b, b.TempDir(), irm.Config{})
			server, client := open(b, d.dir), open(b, d.dir)
			l, err := server.App().Listen("idle")
			check(b, err)
			var ends [2][]*ouroboros.Flow
			for b.Loop() {
				before := heap()
				taken := make(chan error, 1)
				go func() {
					for range flows {
						f, err := l.Accept()
						if err != nil {
							taken <- err
							return
						}
						ends[1] = append(ends[1], f)
					}
					taken <- nil
				}()
				for range flows {
					f, err := client.App().Dial("idle", ouroboros.WithQoS(q))
					check(b, err)
					ends[0] = append(ends[0], f)
				}
				check(b, <-taken)
				b.ReportMetric(float64(heap()-before)/flows/2, "B/end")
				for i := range ends {
					for _, f := range ends[i] {
						check(b, f.Close())
					}
					ends[i] = nil
				}
			}
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// BenchmarkOneProcess is the same chain with its three worlds in this process, so that one profile shows all of it.
func BenchmarkOneProcess(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			d := newDaemon(b, b.TempDir(), irm.Config{})
			server, client := open(b, d.dir), open(b, d.dir)
			go func() {
				_ = server.Run(b.Context(), func(_ core.Blocker, a *ouroboros.App) error {
					l, err := a.Listen("bench")
					if err != nil {
						return err
					}
					f, err := l.Accept()
					if err != nil {
						return err
					}
					answer(f)
					return f.Close()
				})
			}()
			bench(b, client, func(f *ouroboros.Flow) error {
				buf := make([]byte, size)
				buf[0] = askCount
				b.ReportAllocs()
				for b.Loop() {
					if err := f.WriteMsg(buf); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}
