package host

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"ouroboros/core/pkt"
)

// sendBatch writes packets to a socket that knows where they go, many with one system call (sendmmsg). It
// allocates nothing.
type sendBatch struct {
	msgs []unix.Mmsghdr
	iovs []unix.Iovec
}

func newSendBatch(n int) *sendBatch {
	b := &sendBatch{msgs: make([]unix.Mmsghdr, n), iovs: make([]unix.Iovec, n)}
	for i := range b.msgs {
		b.msgs[i].Hdr.Iov = &b.iovs[i]
		b.msgs[i].Hdr.SetIovlen(1)
	}
	return b
}

// write sends as many packets from the front of q as one call takes, without blocking, and returns how many
// the kernel has taken. They stay in q. An error is that of the first that was not taken, and comes only
// when none was.
func (b *sendBatch) write(fd int, q *queue) (int, error) {
	return b.writeN(fd, q, min(q.n, len(b.msgs)))
}

// writeN is write for at most n packets, which q has.
func (b *sendBatch) writeN(fd int, q *queue, n int) (int, error) {
	for i := range n {
		b.set(i, q.at(i))
	}
	if n == 1 {
		return b.writeOne(fd)
	}
	return mmsg(unix.SYS_SENDMMSG, fd, b.msgs[:n])
}

// mmsg sends or receives messages, of which there is at least one, without blocking, and returns how many the kernel has
// taken or given. The error is an errno, that of the first message, and comes only when there were none.
func mmsg(call uintptr, fd int, msgs []unix.Mmsghdr) (int, error) {
	for {
		n, _, errno := unix.Syscall6(call, uintptr(fd), uintptr(unsafe.Pointer(&msgs[0])), uintptr(len(msgs)), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// writeOne is write for a single packet, which a plain send takes faster.
func (b *sendBatch) writeOne(fd int) (int, error) {
	for {
		_, _, errno := unix.Syscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(b.iovs[0].Base)), uintptr(b.iovs[0].Len), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return 1, nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

func (b *sendBatch) set(i int, p *pkt.Buf) {
	mem := p.Bytes()
	b.iovs[i].Base = unsafe.SliceData(mem)
	b.iovs[i].SetLen(len(mem))
}

// receiveBatch reads packets from a socket, many with one system call (recvmmsg). It allocates nothing.
type receiveBatch struct {
	msgs []unix.Mmsghdr
	bufs [][]byte
}

// newReceiveBatch has room for n packets of at most size bytes, of which longer ones lose the rest.
func newReceiveBatch(n, size int) *receiveBatch {
	b := &receiveBatch{msgs: make([]unix.Mmsghdr, n), bufs: make([][]byte, n)}
	iovs, mem := make([]unix.Iovec, n), make([]byte, n*size)
	for i := range b.msgs {
		b.bufs[i] = mem[i*size : (i+1)*size]
		iovs[i].Base = unsafe.SliceData(b.bufs[i])
		iovs[i].SetLen(size)
		b.msgs[i].Hdr.Iov = &iovs[i]
		b.msgs[i].Hdr.SetIovlen(1)
	}
	return b
}

// read returns how many packets have come, without blocking; EAGAIN when there are none.
func (b *receiveBatch) read(fd int) (int, error) {
	return mmsg(unix.SYS_RECVMMSG, fd, b.msgs)
}

// packet returns a packet of the latest read, which is valid until the next.
func (b *receiveBatch) packet(i int) []byte { return b.bufs[i][:b.msgs[i].Len] }
