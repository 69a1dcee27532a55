package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// group is a table of the output.
type group struct {
	name    string
	measure func(l *lab, w io.Writer, runs int) error
}

var groups = []group{{"rtt", rtt}, {"throughput", throughput}, {"flows", flows}}

func groupNames() string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.name
	}
	return strings.Join(names, ", ")
}

// row is a row of a table: how it is measured, and which row its ratio refers to.
type row struct {
	label string
	once  func() (float64, error)
	skip  string // why it is not measured
}

// table measures its rows, round by round so that a disturbance hits all of them, and prints them as Markdown.
type table struct {
	title, unit string
	rows        []row
	ratios      []int // rows that the others are divided by
}

func (t *table) print(w io.Writer, runs int) error {
	values := make([][]float64, len(t.rows))
	for range runs {
		for i, r := range t.rows {
			if r.skip != "" {
				continue
			}
			v, err := r.once()
			if err != nil {
				return fmt.Errorf("%s: %s: %w", t.title, r.label, err)
			}
			values[i] = append(values[i], v)
		}
	}
	fmt.Fprintf(w, "\n**%s** (%s, median of %d; least and largest)\n\n|  | %s | range |", t.title, t.unit, runs, t.unit)
	for _, i := range t.ratios {
		fmt.Fprintf(w, " ÷ %s |", t.rows[i].label)
	}
	fmt.Fprintf(w, "\n|---|---:|---:|%s\n", strings.Repeat("---:|", len(t.ratios)))
	for i, r := range t.rows {
		if r.skip != "" {
			fmt.Fprintf(w, "| %s | not measured: %s | |%s\n", r.label, r.skip, strings.Repeat(" |", len(t.ratios)))
			continue
		}
		slices.Sort(values[i])
		fmt.Fprintf(w, "| %s | %s | %s to %s |", r.label, short(median(values[i])), short(values[i][0]), short(values[i][len(values[i])-1]))
		for _, k := range t.ratios {
			if len(values[k]) == 0 {
				fmt.Fprint(w, " |")
				continue
			}
			fmt.Fprintf(w, " %.2f |", median(values[i])/median(values[k]))
		}
		fmt.Fprintln(w)
	}
	return nil
}

// median takes sorted values.
func median(v []float64) float64 {
	n := len(v)
	if n == 0 {
		return 0
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}

// short writes a number with three significant digits.
func short(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
