package report

import (
	"bufio"
	"encoding/json"
	"io"

	"ouroboros/scenarios/result"
)

// sample is one instant of a series.
type sample struct {
	series *result.Series
	i      int
}

// seriesData is series.csv, one sample in a row.
func seriesData(runs []*result.Run) table {
	rows := gather(runs, func(r *result.Run) []sample {
		var out []sample
		for k := range r.Series {
			s := &r.Series[k]
			for i := range min(len(s.T), len(s.V)) {
				out = append(out, sample{s, i})
			}
		}
		return out
	})
	return build("series", "Series", rows, []field[sample]{
		{column{name: "series"}, func(s *sample) value { return text(s.series.Name) }},
		{column{name: "unit"}, func(s *sample) value { return optText(siName(s.series.Unit)) }},
		{column{name: "t_s"}, func(s *sample) value { return num(s.series.T[s.i]) }},
		{column{name: "value"}, func(s *sample) value { return inUnit(result.Some(s.series.V[s.i]), s.series.Unit) }},
	})
}

// line is one series of one run in series.jsonl.
type line struct {
	Scenario   string `json:"scenario"`
	Parameters string `json:"parameters"`
	Mode       string `json:"mode"`
	Seed       uint64 `json:"seed"`
	result.Series
}

// WriteSeries writes the time series of the runs as JSON lines, one series in a line, in the units of
// [result.Series].
func WriteSeries(w io.Writer, runs []result.Run) error {
	buf := bufio.NewWriter(w)
	e := json.NewEncoder(buf)
	e.SetEscapeHTML(false)
	for i := range runs {
		r := &runs[i]
		for _, s := range r.Series {
			if err := e.Encode(line{r.Scenario, parameters(r), r.Mode, r.Seed, s}); err != nil {
				return err
			}
		}
	}
	return buf.Flush()
}
