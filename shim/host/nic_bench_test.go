package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/internal/netns"
)

// The benchmarks compare a NIC with the least that a Go program can do on the same interface: a packet
// socket and blocking system calls on a thread of its own, called bare; and with what is usual, a socket in
// the runtime's network poller, called poll. The far end is another process in
// another namespace, so that each has its own scheduler, as two hosts have.

// peerRole is the environment variable by which the test binary becomes the far end of a benchmark.
const peerRole = "HOST_BENCH_PEER"

var benchSizes = []int{64, 1000, 1400} // bytes behind the Ethernet header

var (
	nearMAC = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	farMAC  = net.HardwareAddr{2, 0, 0, 0, 0, 2}
)

// benchPeer is the far end: one of three echoes, or a source of frames of a size.
func benchPeer(role string) {
	var kind string
	var size int
	if _, err := fmt.Sscan(role, &kind, &size); err != nil {
		panic(err)
	}
	switch kind {
	case "bare-echo":
		bareEcho(bareSocket("eth0", ourType))
	case "poll-echo":
		pollEcho(bareSocket("eth0", ourType))
	case "nic-echo":
		w := New(1)
		n, err := w.Ethernet(w.Node("echo"), EthernetConfig{Device: "eth0", EtherType: ourType})
		if err != nil {
			panic(err)
		}
		n.Attach(&echoUser{n})
		panic(w.Run(1 << 62))
	case "source":
		source(bareSocket("eth0", 0x88B5), size) // receives nothing
	}
}

// bareSocket opens a blocking packet socket, without filter and ring.
func bareSocket(dev string, etherType uint16) int {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		panic(err)
	}
	d, err := net.InterfaceByName(dev)
	if err != nil {
		panic(err)
	}
	if err := bindPacketSocket(fd, d.Index, etherType); err != nil {
		panic(err)
	}
	return fd
}

func bareEcho(fd int) {
	runtime.LockOSThread()
	buf := make([]byte, 2048)
	for {
		n, err := unix.Read(fd, buf)
		if err != nil {
			panic(err)
		}
		swapAddresses(buf)
		if _, err := unix.Write(fd, buf[:n]); err != nil {
			panic(err)
		}
	}
}

// polled hands the socket to the runtime's network poller, as is usual in Go.
func polled(fd int) *os.File {
	if err := unix.SetNonblock(fd, true); err != nil {
		panic(err)
	}
	return os.NewFile(uintptr(fd), "packet")
}

func pollEcho(fd int) {
	f, buf := polled(fd), make([]byte, 2048)
	for {
		n, err := f.Read(buf)
		if err != nil {
			panic(err)
		}
		swapAddresses(buf)
		if _, err := f.Write(buf[:n]); err != nil {
			panic(err)
		}
	}
}

func swapAddresses(f []byte) {
	var dst [6]byte
	copy(dst[:], f)
	copy(f, f[6:12])
	copy(f[6:], dst[:])
}

// echoUser sends every frame back.
type echoUser struct{ link core.Link }

func (u *echoUser) Receive(p *pkt.Buf, _ core.Addr) {
	swapAddresses(p.Bytes())
	_ = u.link.Send(p, core.Addr{})
}
func (u *echoUser) Writable()      {}
func (u *echoUser) LinkState(bool) {}

// source sends as fast as it can until it is killed.
func source(fd, size int) {
	w := New(1)
	b, q := newSendBatch(nicBatch), queue{}
	for range nicBatch {
		q.push(w.pool.GetCopy(0, benchFrame(farMAC, nearMAC, size)))
	}
	for {
		if _, err := b.write(fd, &q); errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS) {
			runtime.Gosched()
		}
	}
}

func benchFrame(src, dst net.HardwareAddr, size int) []byte {
	f := append(append([]byte{}, dst...), src...)
	f = binary.BigEndian.AppendUint16(f, ourType)
	return append(f, make([]byte, size)...)
}

// benchLAN joins two namespaces; role is what runs in the far one, "" for nothing.
func benchLAN(b *testing.B, role string, size int) *netns.Namespace {
	b.Helper()
	ns := netns.ForTest(b, 2)
	err := netns.Veth(ns[0], "eth0", ns[1], "eth0", netns.VethOptions{MAC: [2]net.HardwareAddr{nearMAC, farMAC}})
	if err != nil {
		b.Fatal(err)
	}
	if role != "" {
		cmd := ns[1].Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), peerRole+"="+role+" "+strconv.Itoa(size))
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it was killed
		})
		time.Sleep(200 * time.Millisecond)
	}
	return ns[0]
}

// benchNIC opens the near interface.
func benchNIC(b *testing.B, ns *netns.Namespace) (*World, *NIC) {
	b.Helper()
	w := New(1)
	b.Cleanup(w.Close)
	var n *NIC
	if err := ns.Do(func() (err error) {
		n, err = w.Ethernet(w.Node("n"), EthernetConfig{Device: "eth0", EtherType: ourType})
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return w, n
}

func benchBare(b *testing.B, ns *netns.Namespace) (fd int) {
	b.Helper()
	if err := ns.Do(func() error { fd = bareSocket("eth0", ourType); return nil }); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// report adds the time on the processor, in user and kernel mode, that one operation of this process took.
func report(b *testing.B, from unix.Rusage) {
	var to unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &to); err != nil {
		b.Fatal(err)
	}
	used := to.Utime.Nano() + to.Stime.Nano() - from.Utime.Nano() - from.Stime.Nano()
	b.ReportMetric(float64(used)/float64(b.N), "cpu-ns/op")
}

func usage(b *testing.B) (u unix.Rusage) {
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u
}

// pinger sends the next frame when the last is back.
type pinger struct {
	w    *World
	link core.Link
	left int
}

func (u *pinger) Receive(p *pkt.Buf, _ core.Addr) {
	if u.left--; u.left == 0 {
		p.Release()
		u.w.Stop()
		return
	}
	swapAddresses(p.Bytes())
	_ = u.link.Send(p, core.Addr{})
}
func (u *pinger) Writable()      {}
func (u *pinger) LinkState(bool) {}

// BenchmarkEcho is the round trip of a frame between two processes.
func BenchmarkEcho(b *testing.B) {
	const size = 64
	b.Run("bare", func(b *testing.B) {
		fd := benchBare(b, benchLAN(b, "bare-echo", size))
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		f, buf := benchFrame(nearMAC, farMAC, size), make([]byte, 2048)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := unix.Write(fd, f); err != nil {
				b.Fatal(err)
			}
			if _, err := unix.Read(fd, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("poll", func(b *testing.B) {
		fd, err := unix.Dup(benchBare(b, benchLAN(b, "poll-echo", size)))
		if err != nil {
			b.Fatal(err)
		}
		conn := polled(fd)
		defer func() { _ = conn.Close() }()
		f, buf := benchFrame(nearMAC, farMAC, size), make([]byte, 2048)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := conn.Write(f); err != nil {
				b.Fatal(err)
			}
			if _, err := conn.Read(buf); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("nic", func(b *testing.B) {
		w, n := benchNIC(b, benchLAN(b, "nic-echo", size))
		u := &pinger{w: w, link: n, left: b.N}
		n.Attach(u)
		b.ReportAllocs()
		b.ResetTimer()
		_ = n.Send(w.pool.GetCopy(0, benchFrame(nearMAC, farMAC, size)), core.Addr{})
		runFor(b, w, time.Minute)
		if u.left != 0 {
			b.Fatalf("%d round trips are missing", u.left)
		}
	})
}

// runFor runs the world; Stop is undone first, as one benchmark runs several times.
func runFor(b *testing.B, w *World, d time.Duration) {
	b.Helper()
	w.halt.Store(false)
	run(b, w, d)
}

// BenchmarkSend is the time to send a frame that nobody takes at the other end.
func BenchmarkSend(b *testing.B) {
	for _, size := range benchSizes {
		f := benchFrame(nearMAC, farMAC, size)
		b.Run(fmt.Sprintf("bare/%d", size), func(b *testing.B) {
			fd := benchBare(b, benchLAN(b, "", size))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := unix.Write(fd, f); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("nic/%d", size), func(b *testing.B) {
			w, n := benchNIC(b, benchLAN(b, "", size))
			env := w.component(n.node, "sender")
			left := b.N
			var more func()
			more = func() {
				for range min(left, nicBatch) {
					left--
					p := w.pool.GetCopy(rxHeadroom, f)
					if n.Send(p, core.Addr{}) != nil {
						b.Fatal("the queue is full")
					}
				}
				if left == 0 {
					w.Stop()
					return
				}
				env.Post(more)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.ResetTimer()
			env.Post(more)
			runFor(b, w, time.Minute)
			n.flush()
			if st := n.Stats(); st.Sent != uint64(b.N) {
				b.Fatalf("sent %d of %d", st.Sent, b.N)
			}
		})
	}
}

// BenchmarkReceive is the time to receive a frame while another process sends as fast as it can, the frames
// that are lost not counted.
func BenchmarkReceive(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("bare/%d", size), func(b *testing.B) {
			fd := benchBare(b, benchLAN(b, "source", size))
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			buf := make([]byte, 2048)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			from := usage(b)
			for b.Loop() {
				if _, err := unix.Read(fd, buf); err != nil {
					b.Fatal(err)
				}
			}
			report(b, from)
		})
		b.Run(fmt.Sprintf("nic/%d", size), func(b *testing.B) {
			w, n := benchNIC(b, benchLAN(b, "source", size))
			u := &counter{w: w, want: b.N}
			n.Attach(u)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.ResetTimer()
			from := usage(b)
			runFor(b, w, time.Minute)
			report(b, from)
			if u.packets < b.N {
				b.Fatalf("received %d of %d", u.packets, b.N)
			}
		})
	}
}
