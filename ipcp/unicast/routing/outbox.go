package routing

// outbox collects the effects of a policy and counts.
type outbox struct {
	out   Effects
	arena []byte // holds the messages of out
	taken bool   // out has been handed over
	stats Stats
}

// Limits above which the memory of effects is given back: a database transfer of a large layer is
// thousands of times longer than a flooded message.
const (
	keepSends = 512
	keepArena = 8192
)

// begin starts a new set of effects once the last one has been handed over.
func (o *outbox) begin() {
	if !o.taken {
		return
	}
	o.taken = false
	sends := o.out.Sends[:0]
	if cap(sends) > keepSends {
		sends = nil
	}
	o.out = Effects{Sends: sends}
	if cap(o.arena) > keepArena {
		o.arena = nil
	}
	o.arena = o.arena[:0]
}

func (o *outbox) Out() Effects {
	if o.taken {
		return Effects{}
	}
	o.taken = true
	return o.out
}

func (o *outbox) Stats() Stats { return o.stats }

// sendTo hands out a message that lies in the arena.
func (o *outbox) sendTo(sdu []byte, port Port) {
	o.out.Sends = append(o.out.Sends, Send{Port: port, SDU: sdu})
	o.stats.Sent++
	o.stats.SentBytes += uint64(len(sdu))
}

// keep copies a message into the arena.
func (o *outbox) keep(sdu []byte) []byte {
	n := len(o.arena)
	o.arena = append(o.arena, sdu...)
	return o.arena[n:len(o.arena):len(o.arena)]
}
