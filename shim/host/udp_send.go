package host

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

const (
	maxSegments = 64    // datagrams in one run that the kernel splits (UDP_MAX_SEGMENTS of all versions)
	maxRun      = 65000 // bytes of a run: less than the largest datagram of both IP versions
	udpIovecs   = 4 * udpBatch
)

// Send takes a datagram, which is written at the end of the turn. One that is longer than the MTU is dropped
// with core.SizeError, one without a destination of the port's IP version with core.ErrInvalid, one on a port
// that is down or closed with core.ErrFlowDown.
func (u *UDPPort) Send(p *pkt.Buf, to core.Addr) error {
	switch {
	case !u.info.Up:
		u.stats.SendDown++
		p.Release()
		return core.ErrFlowDown
	case p.Len() > u.info.MTU:
		u.stats.SendOversize++
		defer p.Release()
		return core.SizeError{Len: p.Len(), MTU: u.info.MTU}
	case !u.tx.reaches(to):
		u.stats.SendAddress++
		p.Release()
		return core.ErrInvalid
	case u.full():
		return core.ErrWouldBlock
	}
	u.put(outgoing{p, to}, udpIovecs)
	return nil
}

// flush writes what is to be sent, as far as the kernel takes it.
func (u *UDPPort) flush() {
	if u.segment < u.whole && u.w.Now() >= u.splitAgain {
		u.segment = u.whole
	}
	for u.out.n > 0 && !u.waiting && u.fd >= 0 {
		n := u.tx.pack(&u.out, u.segment)
		sent, err := u.tx.write(u.fd, n)
		for i := range sent {
			u.taken(u.tx.count[i])
		}
		if err != nil {
			u.refused(err)
		}
	}
	u.wake()
}

// taken counts a run of datagrams that the kernel has taken.
func (u *UDPPort) taken(run int) {
	for range run {
		p := u.out.pop().p
		u.stats.Sent++
		u.stats.SentBytes += uint64(p.Len())
		p.Release()
	}
	if run > 1 {
		u.stats.Split += uint64(run)
	}
}

// refused handles the error of the first run that waits. None ends more than that run.
func (u *UDPPort) refused(err error) {
	run := u.tx.count[0]
	switch {
	case u.mustWait(err):
		return
	case errors.Is(err, unix.ECONNREFUSED):
		return // of an earlier datagram; reported once
	case run > 1 && (errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EMSGSIZE)):
		// The path takes datagrams of this size in fragments only, which the kernel does not make of a run.
		u.segment, u.splitAgain = u.out.at(0).p.Len()-1, u.w.Now()+splitAgain
		return
	case run > 1 && (errors.Is(err, unix.EIO) || errors.Is(err, unix.EOPNOTSUPP)):
		u.segment, u.whole, u.stats.Segments = 0, 0, false
		return
	}
	u.drop(run, err)
}

// drop counts a run that cannot be sent, by cause.
func (u *UDPPort) drop(run int, err error) {
	counter := &u.stats.SendErrors
	switch {
	case errors.Is(err, unix.EMSGSIZE):
		counter = &u.stats.SendOversize
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.ENETDOWN),
		errors.Is(err, unix.EADDRNOTAVAIL), errors.Is(err, unix.ENODEV):
		counter = &u.stats.SendUnreachable
	}
	for range run {
		*counter++
		u.out.pop().p.Release()
	}
}

// udpSender writes datagrams to a socket that is connected to nobody, many with one system call (sendmmsg).
// Those of one size to one address go as a run, which the kernel splits as late as it can (UDP_SEGMENT). It
// allocates nothing.
type udpSender struct {
	msgs  []unix.Mmsghdr
	names []sockName
	ctls  []segmentControl
	iovs  []unix.Iovec
	count []int // datagrams in each message
	zone  uint32
	is4   bool
}

// segmentControl is the control message that says how long the datagrams of a run are.
type segmentControl struct {
	hdr  unix.Cmsghdr
	size uint16
	_    [6]byte
}

func newUDPSender(zone uint32, is4 bool) *udpSender {
	s := &udpSender{
		msgs: make([]unix.Mmsghdr, udpBatch), names: make([]sockName, udpBatch), ctls: make([]segmentControl, udpBatch),
		iovs: make([]unix.Iovec, udpIovecs), count: make([]int, udpBatch), zone: zone, is4: is4,
	}
	for i := range s.msgs {
		h := &s.msgs[i].Hdr
		h.Name = (*byte)(unsafe.Pointer(&s.names[i].raw))
		c := &s.ctls[i]
		c.hdr.Level, c.hdr.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		c.hdr.SetLen(unix.CmsgLen(2))
	}
	return s
}

// reaches reports whether a is an address that the socket can send to.
func (s *udpSender) reaches(a core.Addr) bool {
	ip := a.AddrPort().Addr()
	return ip.IsValid() && ip.Is4() == s.is4
}

// pack makes messages of the datagrams at the front of q, as many as one call takes, and returns their
// number. Datagrams longer than segment go alone.
func (s *udpSender) pack(q *fifo[outgoing], segment int) int {
	msgs, at := 0, 0
	for msgs < len(s.msgs) && at < min(q.n, len(s.iovs)) {
		run := s.run(q, at, segment)
		s.message(msgs, at, run, q.at(at))
		msgs++
		at += run
	}
	return msgs
}

// run enters the datagrams from the i-th on that can go together, and returns their number.
func (s *udpSender) run(q *fifo[outgoing], i, segment int) int {
	first := q.at(i)
	size := s.enter(i, first.p)
	if size > segment || size == 0 {
		return 1
	}
	n, room := 1, maxRun-size
	for ; n < maxSegments && i+n < min(q.n, len(s.iovs)); n++ {
		next := q.at(i + n)
		l := next.p.Len()
		if next.to != first.to || l > size || l == 0 || l > room {
			break
		}
		s.enter(i+n, next.p)
		if room -= l; l < size { // only the last one may be shorter
			n++
			break
		}
	}
	return n
}

// enter fills one entry of the vector and returns its length.
func (s *udpSender) enter(i int, p *pkt.Buf) int {
	mem := p.Bytes()
	s.iovs[i].Base = unsafe.SliceData(mem)
	s.iovs[i].SetLen(len(mem))
	return len(mem)
}

// message makes the m-th message of a run that stands from entry i on and begins with first.
func (s *udpSender) message(m, i, run int, first outgoing) {
	h := &s.msgs[m].Hdr
	h.Namelen = s.names[m].set(first.to.AddrPort(), s.zone)
	h.Iov = &s.iovs[i]
	h.SetIovlen(run)
	s.count[m] = run
	if run == 1 {
		h.Control = nil
		h.SetControllen(0)
		return
	}
	s.ctls[m].size = uint16(first.p.Len())
	h.Control = (*byte)(unsafe.Pointer(&s.ctls[m]))
	h.SetControllen(int(unsafe.Sizeof(s.ctls[m])))
}

// write sends the first n messages and returns how many the kernel has taken. An error is that of the first
// that was not taken, and comes only when none was.
func (s *udpSender) write(fd, n int) (int, error) {
	return mmsg(unix.SYS_SENDMMSG, fd, s.msgs[:n])
}
