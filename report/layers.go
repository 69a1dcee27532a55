package report

import (
	"ouroboros/scenarios/result"
)

func layersOf(r *result.Run) []result.Layer { return r.Layers }

// layerFields are the columns of layers.csv and of the printed table.
func layerFields() []field[result.Layer] {
	return []field[result.Layer]{
		{column{name: "layer", head: "layer"}, func(l *result.Layer) value { return text(l.Name) }},
		{column{name: "kind", head: "kind"}, func(l *result.Layer) value { return text(l.Kind) }},
		{column{name: "members", head: "members", unit: whole}, func(l *result.Layer) value { return count(uint64(l.Members)) }},
		{column{name: "jain", head: "Jain", unit: plain}, func(l *result.Layer) value { return optNum(jainOfAll(l)) }},
		{column{name: "control_packets", head: "control packets", unit: whole}, func(l *result.Layer) value { return counted(l.Control != nil, control(l).Packets) }},
		{column{name: "control_bytes", head: "control", unit: octets}, func(l *result.Layer) value { return counted(l.Control != nil, control(l).Bytes) }},
		{column{name: "dropped_packets", head: "dropped packets", unit: whole}, func(l *result.Layer) value { return counted(l.Drops != nil, dropped(l)) }},
	}
}

// loadFields are the columns of load.csv and of the printed table.
func loadFields() []field[result.Layer] {
	return []field[result.Layer]{
		{column{name: "layer", head: "layer"}, func(l *result.Layer) value { return text(l.Name) }},
		{column{name: "joined", head: "joined", unit: whole}, func(l *result.Layer) value { return count(uint64(l.Joined)) }},
		{column{name: "up_s", head: "up after", unit: second}, func(l *result.Layer) value { return optSeconds(l.Up) }},
		{column{name: "header_bytes", head: "header", unit: octets}, func(l *result.Layer) value { return optCount(l.Load.Header) }},
		{column{name: "packets", head: "packets in", unit: whole}, func(l *result.Layer) value { return optCount(l.Load.Packets) }},
		{column{name: "bytes", head: "volume in", unit: octets}, func(l *result.Layer) value { return optCount(l.Load.Bytes) }},
		{column{name: "hop_packets", head: "packets below", unit: whole}, func(l *result.Layer) value { return optCount(l.Load.HopPackets) }},
		{column{name: "hop_bytes", head: "volume below", unit: octets}, func(l *result.Layer) value { return optCount(l.Load.HopBytes) }},
	}
}

// counted is a sum of counters, missing where the layer has none.
func counted(has bool, n uint64) value {
	if !has {
		return value{}
	}
	return count(n)
}

// loadData is load.csv.
func loadData(runs []*result.Run) table {
	return build("load", "What layers carried", gather(runs, layersOf), loadFields())
}

// jainOfAll is the fairness over all flows of the layer, or over those of its only group.
func jainOfAll(l *result.Layer) result.Opt[float64] {
	for _, f := range l.Fairness {
		if f.Group == "" {
			return f.Jain
		}
	}
	if len(l.Fairness) == 1 {
		return l.Fairness[0].Jain
	}
	return result.None[float64]()
}

func control(l *result.Layer) (sum result.Control) {
	for _, c := range l.Control {
		sum.Packets += c.Packets
		sum.Bytes += c.Bytes
	}
	return sum
}

func dropped(l *result.Layer) (n uint64) {
	for _, d := range l.Drops {
		n += d.Value
	}
	return n
}

// layersData is layers.csv.
func layersData(runs []*result.Run) table {
	return build("layers", "Layers", gather(runs, layersOf), layerFields())
}

// inLayer is an entry of a list that a layer holds.
type inLayer[T any] struct {
	layer *result.Layer
	it    T
}

// within lists the entries of all layers of a run.
func within[T any](list func(*result.Layer) []T) func(*result.Run) []inLayer[T] {
	return func(r *result.Run) []inLayer[T] {
		var out []inLayer[T]
		for i := range r.Layers {
			l := &r.Layers[i]
			for _, it := range list(l) {
				out = append(out, inLayer[T]{l, it})
			}
		}
		return out
	}
}

func layerColumn[T any]() field[inLayer[T]] {
	return field[inLayer[T]]{
		column{name: "layer", head: "layer"},
		func(x *inLayer[T]) value { return text(x.layer.Name) },
	}
}

func fairnessOf(l *result.Layer) []result.Fairness { return l.Fairness }

func fairnessFields() []field[inLayer[result.Fairness]] {
	type entry = inLayer[result.Fairness]
	return []field[entry]{
		layerColumn[result.Fairness](),
		{column{name: "group", head: "workload"}, func(x *entry) value {
			if x.it.Group == "" {
				return text("(all)")
			}
			return text(x.it.Group)
		}},
		{column{name: "flows", head: "flows", unit: whole}, func(x *entry) value { return count(uint64(x.it.Flows)) }},
		{column{name: "jain", head: "Jain", unit: plain}, func(x *entry) value { return optNum(x.it.Jain) }},
	}
}

// fairnessData is fairness.csv.
func fairnessData(runs []*result.Run) table {
	return build("fairness", "Fairness", gather(runs, within(fairnessOf)), fairnessFields())
}

func controlOf(l *result.Layer) []result.Control { return l.Control }

func controlFields() []field[inLayer[result.Control]] {
	type entry = inLayer[result.Control]
	return []field[entry]{
		layerColumn[result.Control](),
		{column{name: "message", head: "message"}, func(x *entry) value { return text(x.it.Kind) }},
		{column{name: "packets", head: "packets", unit: whole}, func(x *entry) value { return count(x.it.Packets) }},
		{column{name: "bytes", head: "volume", unit: octets}, func(x *entry) value { return count(x.it.Bytes) }},
	}
}

// controlData is control.csv.
func controlData(runs []*result.Run) table {
	return build("control", "Control traffic", gather(runs, within(controlOf)), controlFields())
}

func dropsOf(l *result.Layer) []result.Count { return l.Drops }

func dropFields() []field[inLayer[result.Count]] {
	type entry = inLayer[result.Count]
	return []field[entry]{
		layerColumn[result.Count](),
		{column{name: "cause", head: "cause"}, func(x *entry) value { return text(x.it.Name) }},
		{column{name: "packets", head: "packets", unit: whole}, func(x *entry) value { return count(x.it.Value) }},
	}
}

// dropsData is drops.csv.
func dropsData(runs []*result.Run) table {
	return build("drops", "Packets dropped by IPCPs", gather(runs, within(dropsOf)), dropFields())
}

// printLayers are the printed tables of the layers of a run; of replications the summary shows them. Fairness
// by workload, drops by cause and the queues of schedulers appear where there is something to say.
func printLayers(runs []*result.Run) []table {
	out := []table{build("layers", "Layers", interleave(runs, layersOf), layerFields()).printed(1)}
	out[0].notes = []string{"Jain: fairness index over the goodput of comparable flows, 1 if all are equal."}
	if loads := interleave(runs, layersOf); loaded(runs) > 1 {
		t := build("load", "What layers carried", loads, loadFields()).printed(1)
		t.notes = []string{"In: what users wrote. Below: what members gave to the layers below, once for each hop, with headers and control traffic."}
		out = append(out, t)
	}
	if fair := interleave(runs, within(fairnessOf)); more(fair) {
		out = append(out, build("fairness", "Fairness", fair, fairnessFields()).printed(1))
	}
	if ctl := interleave(runs, within(controlOf)); len(ctl) > 0 {
		out = append(out, build("control", "Control traffic", ctl, controlFields()).printed(1))
	}
	var drops []row[inLayer[result.Count]]
	for _, d := range interleave(runs, within(dropsOf)) {
		if d.item.it.Value > 0 {
			drops = append(drops, d)
		}
	}
	if len(drops) > 0 {
		out = append(out, build("drops", "Packets dropped by IPCPs", drops, dropFields()).printed(1))
	}
	if t := printQueues(runs); len(t.rows) > 0 {
		out = append(out, t)
	}
	return out
}

// loaded is how many layers of a run have a header of their own.
func loaded(runs []*result.Run) (n int) {
	for i := range runs[0].Layers {
		if runs[0].Layers[i].Load.Header.OK() {
			n++
		}
	}
	return n
}

// more tells whether fairness says more than the column of the table of layers.
func more(rows []row[inLayer[result.Fairness]]) bool {
	for _, r := range rows {
		if len(r.item.layer.Fairness) > 1 {
			return true
		}
	}
	return false
}
