package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/core/line"
	"ouroboros/ipcp/rib"
)

// tree returns the management tree of the system (spec 13 §13.9): a directory for each IPCP, one for each process that
// uses the system, and "irmd" for the broker. A "/" in the name of an IPCP is "%2f" in that of its directory.
//
//	NAME/...            of an IPCP, as its kind has it
//	proc.PID/info       of a process
//	irmd/names/NAME     of a name
//	irmd/counters       numbers of the daemon, as in irm status
func (s *System) tree() rib.Node {
	return rib.Dir(func(yield func(string, rib.Node) bool) {
		for _, m := range s.members {
			if !yield(escape(string(m.name)), m.rib()) {
				return
			}
		}
		for _, p := range s.broker.Processes() {
			if p.IPCP == "" && !yield(fmt.Sprintf("proc.%d", p.PID), rib.Fixed(rib.Entry{Name: "info", Node: s.processFile(p)})) {
				return
			}
		}
		if s.find("irmd") == nil {
			yield("irmd", rib.Fixed(
				rib.Entry{Name: "names", Node: rib.Dir(s.nameFiles)},
				rib.Entry{Name: "counters", Node: rib.File(s.writeCounters)},
			))
		}
	})
}

// escape returns the name of a directory for a name that may have "/" in it.
func escape(name string) string {
	switch name {
	case ".", "..":
		return strings.ReplaceAll(name, ".", "%2e")
	}
	return strings.ReplaceAll(name, "/", "%2f")
}

// rib returns the tree of an IPCP. One that is in no layer has its state and type.
func (m *member) rib() rib.Node {
	if m.p == nil {
		return rib.Fixed(rib.Info(m.state().String(), core.LayerInfo{Kind: m.kind}))
	}
	return m.p.RIB()
}

// RIB returns the management tree of a shim: its counters and those of its link.
func (b *base) RIB() rib.Node {
	return rib.Fixed(
		rib.Info("operational", b.Layer()),
		rib.Entry{Name: "stats", Node: rib.File(b.writeStats)},
		rib.Entry{Name: "link", Node: rib.File(b.writeLink)},
	)
}

// writeStats prints the counters of a shim.
func (b *base) writeStats(w io.Writer) {
	c := b.counters
	rib.Value(w, "Flows:", b.Flows())
	rib.Counter(w, "Sent", c.Sent, c.SentBytes)
	rib.Counter(w, "Received", c.Received, c.ReceivedBytes)
	for _, v := range []struct {
		label string
		n     uint64
	}{
		{"Management sent:", c.ManagementSent},
		{"Management received:", c.ManagementReceived},
		{"Requests repeated:", c.Retransmitted},
		{"Replies repeated:", c.Repeated},
		{"Dropped short:", c.Drop.Short},
		{"Dropped type:", c.Drop.Type},
		{"Dropped destination:", c.Drop.Destination},
		{"Dropped source:", c.Drop.Source},
		{"Dropped EID:", c.Drop.EID},
		{"Dropped size:", c.Drop.Size},
		{"Dropped down:", c.Drop.Down},
		{"Dropped held:", c.Drop.Held},
		{"Dropped requests:", c.Drop.Refused},
		{"Dropped by link:", c.Drop.Link},
		{"Dropped management:", c.Drop.Management},
	} {
		rib.Value(w, v.label, v.n)
	}
}

// writeLink prints what a shim stands on.
func (b *base) writeLink(w io.Writer) {
	i := b.shaper.Info()
	rib.Value(w, "Device:", b.where)
	rib.Value(w, "Address:", i.Addr)
	rib.Value(w, "Up:", i.Up)
	if d, ok := b.device.(interface{ Err() error }); ok && d.Err() != nil {
		rib.Value(w, "Down because:", d.Err())
	}
	rib.Value(w, "MTU:", i.MTU)
	rib.Value(w, "Queued packets (tx):", b.shaper.Queued())
	for _, d := range []struct {
		dir  int
		word string
	}{{line.Out, "Out"}, {line.In, "In"}} {
		st := b.shaper.Stats(d.dir)
		rib.Counter(w, d.word, st.DeliveredPackets, st.DeliveredBytes)
		rib.Value(w, d.word+" dropped queue:", st.DropQueue)
		rib.Value(w, d.word+" dropped loss:", st.DropLoss+st.DropError)
		rib.Value(w, d.word+" dropped down:", st.DropDown)
	}
}

// processFile is the file of a process that uses the system.
func (s *System) processFile(p irm.ProcessInfo) rib.File {
	return func(w io.Writer) {
		rib.Value(w, "Program:", p.Program)
		rib.Value(w, "User:", p.UID)
		rib.Value(w, "Since:", rib.NewClock(s.env).At(p.Since))
		rib.Value(w, "Flows asked for:", p.Asked)
		rib.Value(w, "Flows granted:", p.Granted)
		rib.Value(w, "Requests handed over:", p.Handed)
		rib.Value(w, "Requests accepted:", p.Accepted)
		for _, n := range p.Bound {
			rib.Value(w, "Bound to:", n)
		}
		for _, n := range p.Listening {
			rib.Value(w, "Listens to:", n)
		}
	}
}

// nameFiles hands out the names of the system, sorted.
func (s *System) nameFiles(yield func(string, rib.Node) bool) {
	names := s.broker.Names()
	slices.SortFunc(names, func(a, b irm.NameInfo) int { return cmp.Compare(a.Name, b.Name) })
	for _, n := range names {
		f := rib.File(func(w io.Writer) {
			i := s.nameInfo(n)
			rib.Value(w, "Load balancing:", i.Balance)
			rib.Value(w, "Listeners:", i.Active)
			for _, p := range i.Programs {
				rib.Value(w, "Program:", p)
			}
			for _, c := range i.IPCPs {
				rib.Value(w, "IPCP:", c)
			}
			for _, l := range i.Layers {
				rib.Value(w, "Registered in:", l)
			}
		})
		if !yield(escape(string(n.Name)), f) {
			return
		}
	}
}

// writeCounters prints the numbers of the daemon.
func (s *System) writeCounters(w io.Writer) {
	for _, c := range counters(s.numbers()) {
		rib.Value(w, c.Name+":", c.Value)
	}
}

// maxRIB bounds what one request for the tree gets, in bytes.
const maxRIB = 4 << 20

// errRIBLong ends a walk through a tree that is too large for one answer.
var errRIBLong = fmt.Errorf("%w: there is more than %d bytes: ask for a part of the tree", core.ErrMsgSize, maxRIB)

// RIB returns the files of the management tree at and below a path, sorted by path.
func (s *System) RIB(_ context.Context, path string) (out []control.RIBEntry, err error) {
	path = strings.Trim(path, "/")
	err = s.call(func() error {
		n, err := rib.Find(s.tree(), path)
		if err != nil {
			return ribError(err)
		}
		size := 0
		return rib.Walk(n, func(at string, content []byte) error {
			full := strings.Trim(path+"/"+at, "/")
			if size += len(full) + len(content); size > maxRIB {
				return errRIBLong
			}
			out = append(out, control.RIBEntry{Path: full, Content: slices.Clone(content)})
			return nil
		})
	})
	slices.SortFunc(out, func(a, b control.RIBEntry) int { return cmp.Compare(a.Path, b.Path) })
	return out, err
}

// ribError gives an error of the tree its code.
func ribError(err error) error {
	if errors.Is(err, rib.ErrNotFound) {
		return fmt.Errorf("%w: management tree: %w", core.ErrName, err)
	}
	return err
}
