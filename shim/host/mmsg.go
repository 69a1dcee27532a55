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
	n := min(q.n, len(b.msgs))
	for i := range n {
		b.set(i, q.at(i))
	}
	if n == 1 {
		return b.writeOne(fd)
	}
	for {
		sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.msgs[0])), uintptr(n), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(sent), nil
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
