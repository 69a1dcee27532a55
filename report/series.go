package report

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strconv"

	"ouroboros/scenarios/result"
)

// noSeries tells whether the runs have no samples over time.
func noSeries(runs []result.Run) bool {
	for i := range runs {
		for k := range runs[i].Series {
			if s := &runs[i].Series[k]; min(len(s.T), len(s.V)) > 0 {
				return false
			}
		}
	}
	return true
}

// writeSeriesCSV writes series.csv, one sample in a row. It goes sample by sample: there can be millions.
func writeSeriesCSV(w io.Writer, runs []result.Run) error {
	out := csv.NewWriter(w)
	err := out.Write([]string{"scenario", "parameters", "mode", "seed", "series", "unit", "t_s", "value"})
	for i := range runs {
		r := &runs[i]
		row := []string{r.Scenario, parameters(r), r.Mode, strconv.FormatUint(r.Seed, 10), "", "", "", ""}
		for k := range r.Series {
			s := &r.Series[k]
			row[4], row[5] = s.Name, siName(s.Unit)
			for j := range min(len(s.T), len(s.V)) {
				if err != nil {
					return err
				}
				row[6], row[7] = num(s.T[j]).s, inUnit(result.Some(s.V[j]), s.Unit).data()
				err = out.Write(row)
			}
		}
	}
	out.Flush()
	return errors.Join(err, out.Error())
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
