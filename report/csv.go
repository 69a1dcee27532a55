package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"ouroboros/scenarios/result"
)

// sheet is a data table that can be written as CSV.
type sheet struct {
	name  string
	empty func([]result.Run) bool // no rows: the CSV stream leaves it out
	write func(io.Writer, []result.Run) error
}

// inMemory is a sheet that is built before it is written.
func inMemory(name string, data func([]result.Run) table) sheet {
	return sheet{
		name:  name,
		empty: func(runs []result.Run) bool { return len(data(runs).rows) == 0 },
		write: func(w io.Writer, runs []result.Run) error { return writeTable(w, data(runs)) },
	}
}

// sheets are all data tables, in the order of the CSV stream.
func sheets() []sheet {
	each := func(name string, f func([]*result.Run) table) sheet {
		return inMemory(name, func(runs []result.Run) table {
			ptrs := make([]*result.Run, len(runs))
			for i := range runs {
				ptrs[i] = &runs[i]
			}
			return f(ptrs)
		})
	}
	return []sheet{
		each("runs", runsData),
		inMemory("summary", summaryData),
		each("flows", flowsData),
		each("wishes", wishesData),
		each("theory", theoryData),
		each("links", linksData),
		each("layers", layersData),
		each("load", loadData),
		each("levels", levelsData),
		each("queues", queuesData),
		each("fairness", fairnessData),
		each("control", controlData),
		each("drops", dropsData),
		each("convergence", convergenceData),
		each("outages", outagesData),
		each("expectations", expectationsData),
		{"series", noSeries, writeSeriesCSV},
	}
}

// Tables lists the names that [WriteCSV] knows. A results folder holds each as NAME.csv.
func Tables() []string {
	var out []string
	for _, s := range sheets() {
		out = append(out, s.name)
	}
	return out
}

// WriteCSV writes one table of all the runs as RFC 4180 CSV with a heading line. Units are s, bit/s,
// bytes and shares between 0 and 1, as the column names say; a missing value is an empty field. The name
// is one of [Tables].
func WriteCSV(w io.Writer, name string, runs []result.Run) error {
	if len(runs) == 0 {
		return errNoRuns
	}
	all := sheets()
	i := slices.IndexFunc(all, func(s sheet) bool { return s.name == name })
	if i < 0 {
		return fmt.Errorf("report: no table %q: use one of %s", name, strings.Join(Tables(), ", "))
	}
	return all[i].write(w, runs)
}

// writeAllCSV writes every table that has rows, each after a line with its name.
func writeAllCSV(w io.Writer, runs []result.Run) error {
	first := true
	for _, s := range sheets() {
		if s.empty(runs) {
			continue
		}
		sep := "\n"
		if first {
			sep, first = "", false
		}
		if _, err := fmt.Fprintf(w, "%s# %s\n", sep, s.name); err != nil {
			return err
		}
		if err := s.write(w, runs); err != nil {
			return err
		}
	}
	return nil
}

func writeTable(w io.Writer, t table) error {
	out := csv.NewWriter(w)
	fields := make([]string, len(t.cols))
	for i, c := range t.cols {
		fields[i] = c.name
	}
	if err := out.Write(fields); err != nil {
		return err
	}
	for _, r := range t.rows {
		for i, v := range r {
			fields[i] = v.data()
		}
		if err := out.Write(fields); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// runsData is runs.csv: one row for each run.
func runsData(runs []*result.Run) table {
	rows := gather(runs, func(r *result.Run) []result.Run { return []result.Run{*r} })
	return build("runs", "Runs", rows, []field[result.Run]{
		{column{name: "simulated_s"}, func(r *result.Run) value { return seconds(r.SimulatedTime) }},
		{column{name: "duration_s"}, func(r *result.Run) value { return seconds(r.Duration) }},
		{column{name: "warmup_s"}, func(r *result.Run) value { return seconds(r.Warmup) }},
		{column{name: "partial"}, func(r *result.Run) value { return yesNo(r.Partial) }},
		{column{name: "ok"}, func(r *result.Run) value { return (&judged{result.Expectation{OK: r.OK()}, r.Partial}).verdict() }},
		{column{name: "fingerprint"}, func(r *result.Run) value { return optText(r.Fingerprint) }},
		{column{name: "version"}, func(r *result.Run) value { return optText(r.Version) }},
		{column{name: "nodes"}, func(r *result.Run) value { return count(uint64(r.Nodes)) }},
		{column{name: "events"}, func(r *result.Run) value { return optCount(r.Totals.Events) }},
		{column{name: "packet_hops"}, func(r *result.Run) value { return optCount(r.Totals.PacketHops) }},
		{column{name: "buffers_peak"}, func(r *result.Run) value { return optCount(r.Totals.BuffersPeak) }},
		{column{name: "buffers_left"}, func(r *result.Run) value { return optCount(r.Totals.BuffersLeft) }},
	})
}
