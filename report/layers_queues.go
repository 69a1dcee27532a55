package report

import (
	"cmp"
	"fmt"
	"slices"

	"ouroboros/scenarios/result"
)

// maxQueues is how many queues a printed table shows: the longest.
const maxQueues = 10

func queuesOf(l *result.Layer) []result.Queue { return l.Queues }

func queueFields() []field[inLayer[result.Queue]] {
	type entry = inLayer[result.Queue]
	return []field[entry]{
		layerColumn[result.Queue](),
		{column{name: "from", head: "from"}, func(x *entry) value { return text(x.it.From) }},
		{column{name: "to", head: "to"}, func(x *entry) value { return optText(x.it.To) }},
		{column{name: "mean_packets", head: "mean", unit: plain}, func(x *entry) value { return optMean(x.it.Mean) }},
		{column{name: "max_packets", head: "max", unit: whole}, func(x *entry) value { return count(x.it.Max) }},
	}
}

// queuesData is queues.csv.
func queuesData(runs []*result.Run) table {
	return build("queues", "Packets waiting in IPCPs", gather(runs, within(queuesOf)), queueFields())
}

// printQueues is the printed table of the schedulers in which packets waited.
func printQueues(runs []*result.Run) table {
	rows := slices.DeleteFunc(interleave(runs, within(queuesOf)), func(r row[inLayer[result.Queue]]) bool { return r.item.it.Max == 0 })
	slices.SortStableFunc(rows, func(a, b row[inLayer[result.Queue]]) int {
		return cmp.Or(cmp.Compare(b.item.it.Mean.Or(-1), a.item.it.Mean.Or(-1)), cmp.Compare(b.item.it.Max, a.item.it.Max))
	})
	all := len(rows)
	t := build("queues", "Packets waiting in IPCPs", rows[:min(all, maxQueues)], queueFields()).printed(1)
	t.notes = []string{"Without what the N-1 flow itself holds. Congestion policies mark here."}
	if all > maxQueues {
		t.notes = append(t.notes, fmt.Sprintf("The %d longest of %d; all are in the CSV and JSON output.", maxQueues, all))
	}
	return t
}
