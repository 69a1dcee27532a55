package report

import (
	"cmp"
	"fmt"
	"slices"

	"ouroboros/scenarios/result"
)

// maxLinks is how many link directions a printed table shows; of larger networks it shows the busiest.
const maxLinks = 20

// linkFields are the columns of links.csv; those with a heading make the printed table.
func linkFields() []field[result.Link] {
	return []field[result.Link]{
		{column{name: "link", head: "link"}, func(l *result.Link) value { return text(l.Name) }},
		{column{name: "from", head: "from"}, func(l *result.Link) value { return text(l.From) }},
		{column{name: "to", head: "to"}, func(l *result.Link) value { return text(l.To) }},
		{column{name: "rate_bps", head: "rate", unit: bitrate}, func(l *result.Link) value { return optCount(l.Rate) }},
		{column{name: "delay_s"}, func(l *result.Link) value { return seconds(l.Delay) }},
		{column{name: "utilisation_ratio", head: "util", unit: share}, func(l *result.Link) value { return optNum(l.Utilisation) }},
		{column{name: "throughput_bps"}, func(l *result.Link) value { return optNum(l.Throughput) }},
		{column{name: "sent_packets", head: "packets", unit: whole}, func(l *result.Link) value { return count(l.SentPackets) }},
		{column{name: "sent_bytes"}, func(l *result.Link) value { return count(l.SentBytes) }},
		{column{name: "delivered_packets"}, func(l *result.Link) value { return count(l.DeliveredPackets) }},
		{column{name: "delivered_bytes"}, func(l *result.Link) value { return count(l.DeliveredBytes) }},
		{column{name: "drops_queue_packets", head: "drops queue", unit: whole}, func(l *result.Link) value { return count(l.Drops.Queue) }},
		{column{name: "drops_loss_packets", head: "drops loss", unit: whole}, func(l *result.Link) value { return count(l.Drops.Loss) }},
		{column{name: "drops_error_packets", head: "drops error", unit: whole}, func(l *result.Link) value { return count(l.Drops.Error) }},
		{column{name: "drops_down_packets", head: "drops down", unit: whole}, func(l *result.Link) value { return count(l.Drops.Down) }},
		{column{name: "duplicated_packets"}, func(l *result.Link) value { return count(l.Duplicated) }},
		{column{name: "queue_mean_packets", head: "queue mean", unit: plain}, func(l *result.Link) value { return optMean(l.QueueMean) }},
		{column{name: "queue_max_packets", head: "queue max", unit: whole}, func(l *result.Link) value { return count(l.QueueMax) }},
		{column{name: "down_s"}, func(l *result.Link) value { return seconds(l.Down) }},
	}
}

func linksOf(r *result.Run) []result.Link { return r.Links }

// linksData is links.csv.
func linksData(runs []*result.Run) table {
	return build("links", "Links", gather(runs, linksOf), linkFields())
}

// printLinks is the printed table of links of a run: all of a small network, the busiest of a large one.
// Of replications the summary shows the links.
func printLinks(runs []*result.Run) table {
	chosen := busiest(runs)
	rows := interleave(runs, func(r *result.Run) []result.Link {
		out := make([]result.Link, 0, len(chosen))
		for _, i := range chosen {
			if i < len(r.Links) {
				out = append(out, r.Links[i])
			}
		}
		return out
	})
	t := build("links", "Links", rows, linkFields()).printed(1)
	if all := len(runs[0].Links); len(chosen) < all {
		t.notes = []string{fmt.Sprintf("The %d busiest of %d link directions; all are in the CSV and JSON output.", len(chosen), all)}
	}
	return t
}

// busiest lists the places of the links to print, by falling utilisation and then drops of the first run.
// The links of replications stand in the same order.
func busiest(runs []*result.Run) []int {
	links := runs[0].Links
	out := make([]int, len(links))
	for i := range out {
		out[i] = i
	}
	if len(out) <= maxLinks {
		return out
	}
	slices.SortStableFunc(out, func(a, b int) int {
		return cmp.Or(
			cmp.Compare(links[b].Utilisation.Or(-1), links[a].Utilisation.Or(-1)),
			cmp.Compare(links[b].Drops.Total(), links[a].Drops.Total()),
			cmp.Compare(links[b].SentPackets, links[a].SentPackets),
		)
	})
	return out[:maxLinks]
}
