package remote

import (
	"math"
	"time"
)

const (
	// lookEvery is how often the server looks at the queues of layers that it has told applications of.
	lookEvery = time.Millisecond
	// lookMost is how many of them it looks at each time.
	lookMost = 64
)

// observe has the server tell the application when the queue in the layer has changed. Without packets of the
// application nothing else would.
func (s *Server) observe(f *end) {
	if f.watch {
		return
	}
	f.watch = true
	if s.watched.Push(f, math.MaxInt); s.watched.Len() == 1 {
		s.look.Reset(lookEvery)
	}
}

// watch looks at some of the watched flows, in turn.
func (s *Server) watch() {
	for range min(s.watched.Len(), lookMost) {
		f := s.watched.Pop()
		if f.phase != phaseOpen || f.wait > 0 || f.over != nil {
			f.watch = false
			continue
		}
		if q := f.f.Queued(); changed(f.layerQ, q) && !s.out.congested() {
			f.layerQ = q
			f.rates()
			s.out.report(f.id, q, f.pace, f.rate)
		}
		if f.layerQ == 0 {
			f.watch = false
			continue
		}
		s.watched.Push(f, math.MaxInt)
	}
	if s.watched.Len() > 0 {
		s.look.Reset(lookEvery)
	}
}

// changed reports whether a queue has changed so much that it is worth a record.
func changed(was, is int) bool {
	return is != was && (is == 0 || is < was/2 || is > 2*was)
}
