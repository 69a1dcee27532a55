package host

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"ouroboros/core"
)

// maxMerged is the largest number of bytes that the kernel hands over in one piece.
const maxMerged = 65535

// readable hands over what has arrived, as much as one system call brings. The rest keeps the socket
// readable for the next turn.
func (u *UDPPort) readable() {
	n, err := u.rx.read(u.fd)
	if err != nil {
		if err != unix.EAGAIN { //nolint:errorlint // an errno as the kernel returns it
			u.stats.ReceiveErrors++ // of an earlier datagram; reading takes it off the socket
		}
		return
	}
	for i := range n {
		u.take(i)
		if u.fd < 0 {
			return // the user has closed the port
		}
	}
}

// take hands over the datagrams of one message.
func (u *UDPPort) take(i int) {
	data, size, whole := u.rx.message(i)
	from := u.rx.names[i].addr()
	if size == 0 || size >= len(data) {
		u.receive(data, from, whole)
		return
	}
	for len(data) > 0 && u.fd >= 0 {
		n := min(size, len(data))
		u.stats.Merged++
		u.receive(data[:n], from, whole)
		data = data[n:]
	}
}

// receive hands over one datagram, a copy of data.
func (u *UDPPort) receive(data []byte, from core.Addr, whole bool) {
	switch {
	case !whole || len(data) > u.info.MTU:
		u.stats.Oversize++
	case u.user == nil:
		u.stats.Unheard++
	default:
		u.stats.Received++
		u.stats.ReceivedBytes += uint64(len(data))
		u.user.Receive(u.w.pool.GetCopy(rxHeadroom, data), from)
	}
}

// udpReceiver reads datagrams, many with one system call (recvmmsg), and more where the kernel merges those
// of one size from one address (UDP_GRO). It allocates nothing.
type udpReceiver struct {
	msgs  []unix.Mmsghdr
	names []sockName
	ctls  [][unix.SizeofCmsghdr + 16]byte
	iovs  []unix.Iovec
	bufs  [][]byte
}

func newUDPReceiver(mtu int, merges bool) *udpReceiver {
	room := mtu + 1 // so that a datagram that is too long is seen
	if merges {
		room = maxMerged
	}
	r := &udpReceiver{
		msgs: make([]unix.Mmsghdr, udpBatch), names: make([]sockName, udpBatch), iovs: make([]unix.Iovec, udpBatch),
		ctls: make([][unix.SizeofCmsghdr + 16]byte, udpBatch), bufs: make([][]byte, udpBatch),
	}
	mem := make([]byte, udpBatch*room)
	for i := range r.msgs {
		r.bufs[i] = mem[i*room : (i+1)*room]
		r.iovs[i].Base = unsafe.SliceData(r.bufs[i])
		r.iovs[i].SetLen(room)
		h := &r.msgs[i].Hdr
		h.Name = (*byte)(unsafe.Pointer(&r.names[i].raw))
		h.Iov = &r.iovs[i]
		h.SetIovlen(1)
		h.Control = &r.ctls[i][0]
		r.prepare(i)
	}
	return r
}

// prepare gives a message the lengths that the kernel has overwritten.
func (r *udpReceiver) prepare(i int) {
	h := &r.msgs[i].Hdr
	h.Namelen = unix.SizeofSockaddrInet6
	h.SetControllen(len(r.ctls[i]))
}

// read returns how many messages have come. The error is an errno; unix.EAGAIN says that there are none.
func (r *udpReceiver) read(fd int) (int, error) {
	return mmsg(unix.SYS_RECVMMSG, fd, r.msgs)
}

// message returns the content of a message, the size of the datagrams in it, 0 when it is a single one, and
// whether all of it is there. It makes the message ready for the next read.
func (r *udpReceiver) message(i int) (data []byte, size int, whole bool) {
	m := &r.msgs[i]
	data = r.bufs[i][:min(int(m.Len), len(r.bufs[i]))]
	size = mergedSize(r.ctls[i][:min(int(m.Hdr.Controllen), len(r.ctls[i]))])
	whole = m.Hdr.Flags&unix.MSG_TRUNC == 0
	r.prepare(i)
	return data, size, whole
}

// mergedSize returns the size of merged datagrams that a control message tells, 0 when there is none.
func mergedSize(ctl []byte) int {
	const head = unix.SizeofCmsghdr
	if len(ctl) < head+4 {
		return 0
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&ctl[0]))
	if h.Level != unix.SOL_UDP || h.Type != unix.UDP_GRO {
		return 0
	}
	return max(0, int(int32(binary.NativeEndian.Uint32(ctl[head:]))))
}
