package irm

// Pending returns how many incoming requests wait for somebody to listen or to answer.
func (b *Broker) Pending() int { return len(b.waiting) }
