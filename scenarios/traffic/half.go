package traffic

import (
	"errors"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/frcp"
)

// Half is what one process knows of a flow: that of its source, of its receiver, or both. Halves go from the
// processes of an experiment to the one that puts them together.
type Half struct {
	Flow     int           `json:"flow"` // ID
	Source   *SourceHalf   `json:"source,omitempty"`
	Receiver *ReceiverHalf `json:"receiver,omitempty"`
	Below    *BelowHalf    `json:"below,omitempty"`
	// Watches are the interruptions that were followed, by the number of the event; see [Watch].
	Watches []HalfWatch `json:"watches,omitempty"`
}

// SourceHalf is what the source of a flow has counted. Times are those of Stats.
type SourceHalf struct {
	Offered      uint64        `json:"offered"`
	OfferedBytes uint64        `json:"offered_bytes"`
	Sent         uint64        `json:"sent"`
	SentBytes    uint64        `json:"sent_bytes"`
	Asked        core.Time     `json:"asked"`
	Allocated    core.Time     `json:"allocated"`
	First        core.Time     `json:"first"`
	Last         core.Time     `json:"last"`
	Ended        core.Time     `json:"ended"`
	Blocked      time.Duration `json:"blocked"`
	Stalled      bool          `json:"stalled"` // it stands still now
	Began        bool          `json:"began"`
	Failure      string        `json:"failure"`
	Killed       bool          `json:"killed"` // Failure is that the node was killed
	Size         int           `json:"size"`
	RTT          SampleSet     `json:"rtt"`
	Transport    *frcp.Stats   `json:"transport"` // nil without FRCP
	Cipher       uint16        `json:"cipher"`
	Rejected     uint64        `json:"rejected"`
	Answers      uint32        `json:"answers"` // the next answer that is expected
}

// BelowHalf is what the layer knows of a flow at its source.
type BelowHalf struct {
	There uint32 `json:"there"` // see Flow.Hash
	Back  uint32 `json:"back"`
	Held  bool   `json:"held"` // see Flow.Held
}

// ReceiverHalf is what the receiver of a flow has counted.
type ReceiverHalf struct {
	At            string    `json:"at"` // node; of several with the name the one that has accepted
	Delivered     uint64    `json:"delivered"`
	Bytes         uint64    `json:"bytes"`
	Duplicates    uint64    `json:"duplicates"`
	Reordered     uint64    `json:"reordered"`
	MeasuredBytes uint64    `json:"measured_bytes"`
	LastDelivery  core.Time `json:"last_delivery"`
	FirstDelivery core.Time `json:"first_delivery"`
	Completed     core.Time `json:"completed"`
	Delay         SampleSet `json:"delay"`
	Rejected      uint64    `json:"rejected"`
	Accepted      bool      `json:"accepted"`
	Next          uint32    `json:"next"` // message that is expected
}

// HalfWatch is what one end of a flow has seen of an interruption.
type HalfWatch struct {
	Event   int           `json:"event"` // number of the event in the run, from 0
	Offered uint64        `json:"offered"`
	Heard   bool          `json:"heard"` // this is the end that hears deliveries, and it had heard some
	Sends   bool          `json:"sends"` // this is the end of the source, and it had not stopped
	First   uint32        `json:"first"`
	Next    uint32        `json:"next"`
	Last    core.Time     `json:"last"`
	Gap     time.Duration `json:"gap"`
	Resumed core.Time     `json:"resumed"`
	Ended   bool          `json:"ended"`
	Lost    uint64        `json:"lost"`
}

// mark is what the source knows when an event happens.
type mark struct {
	event   int
	offered uint64
	sends   bool
	watch   *Watch // nil at an end that does not hear
}

// Mark notes where the flow stands when an event happens, and follows what becomes of it, be it hit or not: the
// end that hears does not know the path.
func (f *Flow) Mark(event int, now core.Time) {
	m := mark{event: event, offered: f.Stats.Offered, sends: f.Stats.Ended == clock.Never}
	if f.hears().any && m.sends {
		m.watch = f.follow(now)
	}
	f.marks = append(f.marks, m)
}

// Half returns what is known of the flow at the nodes that are mine.
func (f *Flow) Half(mine func(node string) bool) Half {
	h := Half{Flow: f.ID}
	source, receiver := mine(f.From.Name) && f.From.AppsHere(), mine(f.To.Name) && f.To.AppsHere()
	if mine(f.From.Name) && f.From.Here() {
		h.Below = &BelowHalf{Held: f.Held()}
		h.Below.There, h.Below.Back = f.Hash()
	}
	if source {
		h.Source = f.source()
	}
	if receiver {
		h.Receiver = f.receiver()
	}
	hears := receiver
	if f.Kind == Ping {
		hears = source
	}
	for _, m := range f.marks {
		x := HalfWatch{Event: m.event, Offered: m.offered, Sends: m.sends && source}
		if w := m.watch; w != nil && hears {
			x.Heard = true
			x.First, x.Next, x.Last, x.Gap, x.Resumed, x.Ended, x.Lost = w.first, w.next, w.last, w.gap, w.resumed, w.ended, w.lost
		}
		if source || x.Heard {
			h.Watches = append(h.Watches, x)
		}
	}
	return h
}

func (f *Flow) source() *SourceHalf {
	st := &f.Stats
	h := &SourceHalf{
		Offered: st.Offered, OfferedBytes: st.OfferedBytes, Sent: st.Sent, SentBytes: st.SentBytes,
		Asked: st.Asked, Allocated: st.Allocated, First: st.First, Last: st.Last, Ended: st.Ended, Blocked: st.Blocked,
		Stalled: f.blocked != clock.Never, Began: f.began, Size: f.Size, RTT: f.RTT.Export(), Cipher: f.cipher, Answers: f.answers.next,
	}
	if st.Failure != nil {
		h.Failure, h.Killed = st.Failure.Error(), errors.Is(st.Failure, ErrKilled)
	}
	if t, ok := f.Transport(); ok {
		h.Transport = &t
	}
	if f.end != nil {
		s := f.end.Stats().Crypt
		h.Rejected = s.Dropped()
	}
	return h
}

func (f *Flow) receiver() *ReceiverHalf {
	st := &f.Stats
	h := &ReceiverHalf{
		At: f.To.Name, Delivered: st.Delivered, Bytes: st.Bytes, Duplicates: st.Duplicates, Reordered: st.Reordered,
		MeasuredBytes: st.MeasuredBytes, LastDelivery: st.LastDelivery, FirstDelivery: st.FirstDelivery, Completed: st.Completed,
		Delay: f.Delay.Export(), Accepted: len(f.lives) > 0, Next: f.arrived.next,
	}
	for _, e := range f.lives {
		s := e.Stats().Crypt
		h.Rejected += s.Dropped()
	}
	return h
}
