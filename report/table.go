package report

import "ouroboros/scenarios/result"

// table is a set of rows with the same columns, for print or for data.
type table struct {
	name  string // stable: file name in a results folder
	label string // in print, unique in the output
	title string
	cols  []column
	rows  [][]value
	notes []string // lines under the printed table
}

// column describes one column.
type column struct {
	name   string // in data files, with its unit: goodput_bps
	head   string // in print; "" if the column is for data files only
	unit   unit
	family string // columns of one family share unit and decimals in print
	spare  bool   // left out in print if it has no value at all
	apart  bool   // in print, different values look different
}

// field is a column together with where its values come from.
type field[T any] struct {
	column
	get func(*T) value
}

// row pairs an item with the run that it is of.
type row[T any] struct {
	run  *result.Run
	item T
}

// runFields are the first columns of every data table: they say which run a row is of.
func runFields() []field[result.Run] {
	return []field[result.Run]{
		{column{name: "scenario"}, func(r *result.Run) value { return text(r.Scenario) }},
		{column{name: "parameters"}, func(r *result.Run) value { return text(parameters(r)) }},
		{column{name: "mode"}, func(r *result.Run) value { return text(r.Mode) }},
		{column{name: "seed", head: "seed", unit: whole}, func(r *result.Run) value { return count(r.Seed) }},
	}
}

// build makes a data table with one line for each row.
func build[T any](name, title string, rows []row[T], fields []field[T]) table {
	t := table{name: name, title: title}
	of := runFields()
	for _, f := range of {
		t.cols = append(t.cols, f.column)
	}
	for _, f := range fields {
		t.cols = append(t.cols, f.column)
	}
	for i := range rows {
		line := make([]value, 0, len(t.cols))
		for _, f := range of {
			line = append(line, f.get(rows[i].run))
		}
		for _, f := range fields {
			line = append(line, f.get(&rows[i].item))
		}
		t.rows = append(t.rows, line)
	}
	return t
}

// gather lists the items of each run, run by run.
func gather[T any](runs []*result.Run, items func(*result.Run) []T) []row[T] {
	var out []row[T]
	for _, r := range runs {
		for _, it := range items(r) {
			out = append(out, row[T]{r, it})
		}
	}
	return out
}

// interleave orders the items of replications so that those at the same place in their runs stand
// together.
func interleave[T any](runs []*result.Run, items func(*result.Run) []T) []row[T] {
	lists := make([][]T, len(runs))
	longest := 0
	for i, r := range runs {
		lists[i] = items(r)
		longest = max(longest, len(lists[i]))
	}
	var out []row[T]
	for k := range longest {
		for i, r := range runs {
			if k < len(lists[i]) {
				out = append(out, row[T]{r, lists[i][k]})
			}
		}
	}
	return out
}

// printed returns the table with the columns that print shows: those with a heading, without the seed if
// there is only one run, without spare columns that are empty. Rows that are the same for all seeds become
// one.
func (t table) printed(seeds int) table {
	out := table{name: t.name, title: t.title, notes: t.notes, rows: make([][]value, len(t.rows))}
	for c, col := range t.cols {
		if col.head == "" || col.name == "seed" && seeds < 2 || col.spare && t.empty(c) {
			continue
		}
		out.cols = append(out.cols, col)
		for r := range t.rows {
			out.rows[r] = append(out.rows[r], t.rows[r][c])
		}
	}
	if seeds > 1 {
		out.moveSeed()
		out.foldSeeds(seeds)
	}
	return out
}

// foldSeeds makes one row of neighbours that differ in nothing but the seed, if they are those of all
// seeds.
func (t *table) foldSeeds(seeds int) {
	var rows [][]value
	for i := 0; i < len(t.rows); {
		n := 1
		for i+n < len(t.rows) && t.alike(i, i+n) {
			n++
		}
		if n == seeds {
			t.rows[i][seedColumn] = text("all")
			rows = append(rows, t.rows[i])
		} else {
			rows = append(rows, t.rows[i:i+n]...)
		}
		i += n
	}
	t.rows = rows
}

// alike tells whether two rows differ in nothing but the seed.
func (t *table) alike(a, b int) bool {
	for c := range t.cols {
		if x, y := t.rows[a][c], t.rows[b][c]; c != seedColumn && (x.kind != y.kind || x.s != y.s) {
			return false
		}
	}
	return true
}

// seedColumn is where the seed stands in print.
const seedColumn = 1

// moveSeed puts the seed behind the name that starts each row: the reader compares within a name.
func (t *table) moveSeed() {
	t.cols[0], t.cols[seedColumn] = t.cols[seedColumn], t.cols[0]
	for _, r := range t.rows {
		r[0], r[seedColumn] = r[seedColumn], r[0]
	}
}

func (t *table) empty(c int) bool {
	for _, r := range t.rows {
		if r[c].kind != missing {
			return false
		}
	}
	return true
}

// styles chooses how each column is printed.
func (t *table) styles() []style {
	out := make([]style, len(t.cols))
	for c, col := range t.cols {
		var vs []value
		for k, other := range t.cols {
			if k == c || col.family != "" && other.family == col.family {
				for _, r := range t.rows {
					vs = append(vs, r[k])
				}
			}
		}
		out[c] = newStyle(col.unit, vs)
		if col.apart {
			own := make([]value, len(t.rows))
			for i, r := range t.rows {
				own[i] = r[c]
			}
			out[c].tell(own)
		}
	}
	return out
}

// left tells whether a column is aligned to the left.
func (c column) left() bool { return c.unit == none }
