package logging

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// queueLen is how many lines wait for a slow place.
	queueLen = 1024
	// closeTime is how long Close waits for a place that does not take lines.
	closeTime = time.Second
)

// line is one message as its place takes it.
type line struct {
	level level
	text  []byte
}

// place takes lines one after the other.
type place interface {
	write(l line) error
	// note makes a line of the log itself.
	note(text string) line
}

// Queue is between who logs and the place. Its methods may be called from any goroutine.
type Queue struct {
	to    place
	lines chan line
	done  chan struct{}

	mu     sync.RWMutex
	closed bool

	lost   atomic.Uint64 // in all
	unsaid uint64        // of them, the place has not been told; of the writer alone
}

func newQueue(to place) *Queue {
	q := &Queue{to: to, lines: make(chan line, queueLen), done: make(chan struct{})}
	go q.run()
	return q
}

// Lost returns how many lines were dropped.
func (q *Queue) Lost() uint64 { return q.lost.Load() }

// put hands a line over, or drops it.
func (q *Queue) put(l line) {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if !q.closed {
		select {
		case q.lines <- l:
			return
		default:
		}
	}
	q.lost.Add(1)
}

// run is the writer. When the place takes lines again it is told first how many it has missed.
func (q *Queue) run() {
	defer close(q.done)
	for l := range q.lines {
		lost := q.lost.Load()
		if lost > q.unsaid && q.to.write(q.to.note(fmt.Sprintf("%d lines of the log were lost.", lost-q.unsaid))) == nil {
			q.unsaid = lost
		}
		if q.to.write(l) != nil {
			q.lost.Add(1)
		}
	}
}

// Close writes what waits, for a second at most.
func (q *Queue) Close() {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.lines)
	}
	q.mu.Unlock()
	select {
	case <-q.done:
	case <-time.After(closeTime):
	}
}
