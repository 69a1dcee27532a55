package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/core/clock"
)

// poller is where the actor sleeps: an epoll instance with the descriptors of the devices, a timer and a
// bell that other goroutines ring. The thread of the actor waits in the kernel itself. Two steps are saved
// so, on the way of every packet, that a goroutine per descriptor takes: the runtime's network poller and
// the hand-over from one goroutine to the other.
type poller struct {
	epoll, alarm, bell *os.File // closed by the collector if nobody else does
	epfd, alarmFD      int
	watches            map[int32]*watch
	unfinished         []*watch // to be called again in the next turn
	spare              []*watch // the slice that unfinished came from, for use again
	events             []unix.EpollEvent
	alarmAt            clock.Time // when the alarm goes off, Never when it is not set
}

const pollEvents = 64 // descriptors that one turn serves at most

func newPoller() (*poller, error) {
	p := &poller{watches: map[int32]*watch{}, events: make([]unix.EpollEvent, pollEvents), alarmAt: clock.Never}
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	p.epfd, p.epoll = epfd, os.NewFile(uintptr(epfd), "epoll")
	alarm, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC)
	if err == nil {
		p.alarmFD, p.alarm = alarm, os.NewFile(uintptr(alarm), "timerfd")
		err = p.control(unix.EPOLL_CTL_ADD, alarm, unix.EPOLLIN|unix.EPOLLET)
	}
	var bell int
	if err == nil {
		bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC)
	}
	if err == nil {
		p.bell = os.NewFile(uintptr(bell), "eventfd")
		// Edge-triggered, so that alarm and bell need not be read.
		err = p.control(unix.EPOLL_CTL_ADD, bell, unix.EPOLLIN|unix.EPOLLET)
	}
	if err != nil {
		p.close()
		return nil, fmt.Errorf("timerfd and eventfd: %w", err)
	}
	return p, nil
}

func (p *poller) close() {
	for _, f := range []*os.File{p.epoll, p.alarm, p.bell} {
		if f != nil {
			_ = f.Close() // nothing is written to it that could be lost
		}
	}
}

func (p *poller) control(op, fd int, events uint32) error {
	return unix.EpollCtl(p.epfd, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// ring ends the sleep of the actor, this one or the next. Any goroutine may call it.
func (p *poller) ring() {
	// It fails only when the world was closed meanwhile.
	_, _ = p.bell.Write(binary.NativeEndian.AppendUint64(make([]byte, 0, 8), 1))
}

// setAlarm has a wait end at the given time, if not earlier: an alarm that is set already and early enough
// is left as it is.
func (p *poller) setAlarm(now, at clock.Time) error {
	if at == clock.Never || now < p.alarmAt && p.alarmAt <= at {
		return nil
	}
	d := max(at.Sub(now), time.Nanosecond)
	if err := unix.TimerfdSettime(p.alarmFD, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}, nil); err != nil {
		return fmt.Errorf("timerfd: %w", err)
	}
	p.alarmAt = at
	return nil
}

// wait returns the descriptors that are ready, at once or when there is one, the alarm or the bell.
func (p *poller) wait(block bool) ([]unix.EpollEvent, error) {
	msec := 0
	if block {
		msec = -1
	}
	n, err := unix.EpollWait(p.epfd, p.events, msec)
	if errors.Is(err, unix.EINTR) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	for _, e := range p.events[:n] {
		if e.Fd == int32(p.alarmFD) {
			p.alarmAt = clock.Never
		}
	}
	return p.events[:n], nil
}

// watch is a descriptor that the actor looks after while the world runs. All its methods belong to the
// actor.
type watch struct {
	p        *poller
	owner    *node
	fd       int
	readable func()
	writable func()
	events   uint32
	failed   bool // there is an error to fetch; set for the next call of readable
	again    bool // in the list of the unfinished
}

// watch calls readable once in every turn in which fd, which must not block, has something to read or an
// error; it need not read everything. It may come for nothing. writable is called after awaitRoom.
func (a *actor) watch(owner *node, fd int, readable, writable func()) (*watch, error) {
	if err := a.needPoller(); err != nil {
		return nil, err
	}
	x := &watch{p: a.poller, owner: owner, fd: fd, readable: readable, writable: writable, events: unix.EPOLLIN}
	if err := a.poller.control(unix.EPOLL_CTL_ADD, fd, x.events); err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	a.poller.watches[int32(fd)] = x
	return x, nil
}

// byEdge has readable called only when something arrives, which spares the kernel a look at the descriptor
// in every turn. A readable that has not read everything says so by unfinished.
func (x *watch) byEdge() error { return x.listen(x.events | unix.EPOLLET) }

// unfinished has readable called again in the next turn.
func (x *watch) unfinished() {
	if !x.again {
		x.again = true
		x.p.unfinished = append(x.p.unfinished, x)
	}
}

// awaitRoom has writable called, once, when there is room to write.
func (x *watch) awaitRoom() error { return x.listen(x.events | unix.EPOLLOUT) }

// reading switches readable on, as it is at first, or off: what arrives then waits in the kernel.
func (x *watch) reading(on bool) error {
	if on {
		return x.listen(x.events | unix.EPOLLIN)
	}
	return x.listen(x.events &^ unix.EPOLLIN)
}

func (x *watch) listen(events uint32) error {
	if events == x.events {
		return nil
	}
	x.events = events
	if err := x.p.control(unix.EPOLL_CTL_MOD, x.fd, events); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// stop ends the watch. It must be called before fd is closed. Neither function is called afterwards.
func (x *watch) stop() {
	if x.p.watches[int32(x.fd)] != x {
		return
	}
	delete(x.p.watches, int32(x.fd))
	_ = x.p.control(unix.EPOLL_CTL_DEL, x.fd, 0) // closing fd would do the same
}

// serve calls what the descriptors that are ready are watched for.
func (a *actor) serve(events []unix.EpollEvent) error {
	for _, e := range events {
		x := a.poller.watches[e.Fd]
		if x == nil || x.owner != nil && x.owner.dead {
			continue
		}
		if e.Events&unix.EPOLLOUT != 0 {
			if err := x.listen(x.events &^ unix.EPOLLOUT); err != nil {
				return err
			}
			x.writable()
		}
		if e.Events&^unix.EPOLLOUT != 0 && a.poller.watches[e.Fd] == x {
			x.failed = x.failed || e.Events&unix.EPOLLERR != 0
			x.read()
		}
	}
	return nil
}

// read calls readable, unless it is to be called in the next turn anyway.
func (x *watch) read() {
	if !x.again {
		x.readable()
		x.failed = false
	}
}

// finish calls those that were not finished in the last turn.
func (a *actor) finish() {
	p := a.poller
	if len(p.unfinished) == 0 {
		return
	}
	p.unfinished, p.spare = p.spare[:0], p.unfinished
	for _, x := range p.spare {
		x.again = false
		if p.watches[int32(x.fd)] == x && (x.owner == nil || !x.owner.dead) {
			x.read()
		}
	}
	clear(p.spare)
}
