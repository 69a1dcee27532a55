package report

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/scenarios/result"
)

// One unit serves a column: the largest value has four significant digits, and what would round to 0
// says that it is not 0.
func TestColumnHasOneUnit(t *testing.T) {
	for _, c := range []struct {
		name   string
		u      unit
		values []value
		unit   string
		want   []string
	}{
		{"rates", bitrate, []value{num(80e6), num(512_345), {}}, "Mbit/s", []string{"80.00", "0.51", "–"}},
		{"gigabit", bitrate, []value{num(1e9)}, "Gbit/s", []string{"1.000"}},
		{"slow", bitrate, []value{num(999)}, "bit/s", []string{"999.0"}},
		{"times", second, []value{seconds(1500 * time.Microsecond), seconds(20 * time.Microsecond)}, "ms", []string{"1.500", "0.020"}},
		{"nanoseconds", second, []value{seconds(82)}, "ns", []string{"82.00"}},
		{"zero seconds", second, []value{seconds(0)}, "s", []string{"0"}},
		{"tiny beside large", second, []value{seconds(75 * time.Second), seconds(1)}, "s", []string{"75.000000", "<0.000001"}},
		{"percent", share, []value{num(0.08), num(0)}, "%", []string{"8.000", "0.000"}},
		{"counters", whole, []value{count(661000), count(0)}, "", []string{"661000", "0"}},
		{"bytes", octets, []value{num(23000)}, "kB", []string{"23.00"}},
		{"negative zero", share, []value{num(-1e-12), num(1)}, "%", []string{"<0.000001", "100.000000"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStyle(c.u, c.values)
			if s.name != c.unit {
				t.Errorf("unit %q, want %q", s.name, c.unit)
			}
			for i, v := range c.values {
				if got := s.print(v); got != c.want[i] {
					t.Errorf("%v: %q, want %q", v, got, c.want[i])
				}
			}
		})
	}
}

func TestExactSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", 1: "0.000000001", 1_082_664: "0.001082664", time.Minute: "60", -1500 * time.Millisecond: "-1.5",
		1<<63 - 1: "9223372036.854775807", -1 << 63: "-9223372036.854775808",
	} {
		if got := exactSeconds(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
}

// A number that stands alone in its unit is not rounded below the nanosecond.
func TestLoneNumberKeepsNanoseconds(t *testing.T) {
	for want, v := range map[string]value{
		"4.082664 ms": seconds(4_082_664), "82 ns": seconds(82), "90.1 Mbit/s": num(90.1e6), "–": {},
	} {
		u := second
		if strings.HasSuffix(want, "bit/s") {
			u = bitrate
		}
		if got := (style{}).print(lone(v, u)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := lone(num(0.99), share).s; got != "0.99" {
		t.Errorf("share %q", got)
	}
}

func TestEscapes(t *testing.T) {
	const raw = `a|b & 50%_#1 ${x}~^\<">*` + "`[µ≤±–é中\x1b[31m\n"
	for _, c := range []struct {
		name   string
		escape func(string) string
		want   string
	}{
		{"text", clean, `a|b & 50%_#1 ${x}~^\<">*` + "`[µ≤±–é中\uFFFD[31m\uFFFD"},
		{"markdown", escapeMarkdown, `a\|b &amp; 50%\_\#1 ${x}\~^\\&lt;"&gt;\*` + "\\`\\[µ≤±–é中\uFFFD\\[31m\uFFFD"},
		{"latex", escapeLaTeX, `a$|$b \& 50\%\_\#1 \$\{x\}\textasciitilde{}\textasciicircum{}\textbackslash{}$<$''$>$*` +
			"`[$\\mu$$\\le$$\\pm$--éU+4E2D?[31m?"},
	} {
		if got := c.escape(raw); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// structure counts what holds a table together: lines, and cells by unescaped separators.
func structure(t *testing.T, f Format, out string) []int {
	t.Helper()
	sep := map[Format]*regexp.Regexp{
		Text: regexp.MustCompile(`$`), Markdown: regexp.MustCompile(`(^|[^\\])(\\\\)*\|`), LaTeX: regexp.MustCompile(`[^\\]&|\\\\$`),
	}[f]
	var n []int
	for l := range strings.Lines(out) {
		n = append(n, len(sep.FindAllString(strings.TrimRight(l, "\n"), -1)))
	}
	return n
}

// FuzzNamesKeepTheTable: no name of a flow, link or fault changes the lines and cells of a table.
func FuzzNamesKeepTheTable(f *testing.F) {
	for _, s := range []string{`a|b`, `\`, `\|`, "a\nb", "&", `\&`, "%", "_#{}$^~", "[x]", "\x1b[2J", "中", "\xff", "&amp;", "--"} {
		f.Add(s)
	}
	want := map[Format][]int{}
	plainRun := named("x")
	f.Fuzz(func(t *testing.T, name string) {
		if strings.TrimSpace(clean(name)) == "" {
			return
		}
		for _, format := range []Format{Text, Markdown, LaTeX} {
			if want[format] == nil {
				want[format] = structure(t, format, string(render(t, plainRun, format)))
			}
			got := string(render(t, named(name), format))
			if n := structure(t, format, got); !slices.Equal(n, want[format]) {
				t.Errorf("%s, name %q: structure %v, want %v\n%s", format, name, n, want[format], got)
			}
		}
	})
}

// named is a run in which everything is called name.
func named(name string) []result.Run {
	r := oneFlow()
	r.Flows[0].Name, r.Flows[0].From, r.Flows[0].Failure = name, name, name
	r.Links = dumbbellLinks(0)[:1]
	r.Links[0].Name = name
	r.Layers = []result.Layer{{Name: name, Convergence: []result.Convergence{{Fault: name}}}}
	r.Expectations = []result.Expectation{{Metric: name, Op: "<", Reason: name}}
	return []result.Run{r}
}

// What was not measured is a dash in every format for reading, never 0.
func TestMissingPrintsAsDash(t *testing.T) {
	for f, dash := range map[Format]string{Text: "–", Markdown: "–", LaTeX: "--"} {
		out := string(render(t, []result.Run{oneFlow()}, f))
		i := strings.Index(out, "echo")
		row, _, _ := strings.Cut(out[i:], "\n")
		// offered, goodput, loss, five of delay, retransmissions, met
		if got := strings.Count(row, dash); got != 10 {
			t.Errorf("%s: %d dashes in %q, want 10", f, got, row)
		}
	}
}

// A partial run says so in its heading and judges no expectation.
func TestPartialRunIsMarked(t *testing.T) {
	for _, f := range []Format{Text, Markdown, LaTeX} {
		out := string(render(t, []result.Run{partial()}, f))
		if !strings.Contains(out, "PARTIAL: seed 1 was interrupted at 12.300000001 s of 60 s") {
			t.Errorf("%s: no mark in\n%s", f, out[:300])
		}
	}
	tab := printExpectations([]*result.Run{ptr(partial())})
	ok := slices.IndexFunc(tab.cols, func(c column) bool { return c.name == "ok" })
	for _, r := range tab.rows {
		if r[ok].kind != missing {
			t.Errorf("a partial run judged %v", r)
		}
	}
	if whole := string(render(t, []result.Run{dumbbell(1)}, Text)); strings.Contains(whole, "PARTIAL") {
		t.Error("a whole run is marked")
	}
}

func ptr[T any](v T) *T { return &v }

// Many flows are summarised by workload, and the text stays short however many there are.
func TestManyFlowsAreGrouped(t *testing.T) {
	out := string(render(t, []result.Run{mesh(1, 500)}, Text))
	if n := strings.Count(out, "\n"); n > 90 {
		t.Errorf("%d lines for 500 flows", n)
	}
	for _, want := range []string{"Flows by workload", "167 of 500", "20 busiest of 56 link directions"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if out := string(render(t, []result.Run{mesh(1, maxFlows)}, Text)); !strings.Contains(out, "matrix/30 ") {
		t.Errorf("%d flows are not shown one by one", maxFlows)
	}
}

// The printed links of a large network are its busiest, busiest first.
func TestBusiestLinksFirst(t *testing.T) {
	r := mesh(1, 1)
	chosen := busiest([]*result.Run{&r})
	if len(chosen) != maxLinks {
		t.Fatalf("%d links", len(chosen))
	}
	shown := map[int]bool{}
	lowest := 2.0
	for _, i := range chosen {
		u := r.Links[i].Utilisation.Or(0)
		if u > lowest {
			t.Errorf("link %d with %v after %v", i, u, lowest)
		}
		lowest, shown[i] = u, true
	}
	for i := range r.Links {
		if !shown[i] && r.Links[i].Utilisation.Or(0) > lowest {
			t.Errorf("link %d is busier than one that is shown", i)
		}
	}
}

// Runs that differ in more than the seed are reported apart.
func TestOnlySeedsAreReplications(t *testing.T) {
	a, b, c, d := dumbbell(1), dumbbell(1), dumbbell(2), dumbbell(3)
	b.Parameters = nil
	d.Mode = result.ModeLive
	got := replications([]result.Run{a, b, c, d})
	if len(got) != 3 || len(got[0]) != 2 || got[0][1].Seed != 2 {
		t.Errorf("%d groups", len(got))
	}
	out := string(render(t, []result.Run{a, b, c, d}, Text))
	if n := strings.Count(out, "dumbbell: two senders"); n != 3 {
		t.Errorf("%d parts", n)
	}
}

func TestUnknownFormatNamesTheKnown(t *testing.T) {
	_, err := ParseFormat("html")
	if err == nil || !strings.Contains(err.Error(), `"html"`) || !strings.Contains(err.Error(), "text, markdown, latex, csv, json") {
		t.Errorf("%v", err)
	}
	if err := Write(&strings.Builder{}, []result.Run{oneFlow()}, "html"); err == nil {
		t.Error("an unknown format was written")
	}
	for _, f := range Formats() {
		if g, err := ParseFormat(string(f)); err != nil || g != f {
			t.Errorf("%s: %v, %v", f, g, err)
		}
	}
}

// failing accepts some bytes and then fails.
type failing struct{ left int }

var errFull = errors.New("disk full")

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// An error of the writer comes back, wherever it happens.
func TestWriterErrorsComeBack(t *testing.T) {
	runs := []result.Run{dumbbell(1), dumbbell(2)}
	for _, f := range Formats() {
		n := len(render(t, runs, f))
		for _, left := range []int{0, 100, n / 2, n - 1} {
			if err := Write(&failing{left}, runs, f); !errors.Is(err, errFull) {
				t.Errorf("%s, %d of %d bytes: error %v", f, left, n, err)
			}
		}
		if err := Write(&failing{n}, runs, f); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		if err := Write(&failing{n}, nil, f); err == nil {
			t.Errorf("%s: no runs, no error", f)
		}
	}
}

// A booktabs table has three rules, whatever the height of its headings.
func TestLaTeXTablesHaveThreeRules(t *testing.T) {
	out := string(render(t, []result.Run{dumbbell(1), dumbbell(2)}, LaTeX))
	tables := strings.Split(out, "\\begin{tabular}")[1:]
	for _, x := range tables {
		for _, rule := range []string{"\\toprule", "\\midrule", "\\bottomrule", "\\end{tabular}"} {
			if n := strings.Count(x, rule); n != 1 {
				t.Errorf("%d %s in\n%s", n, rule, x)
			}
		}
	}
	if len(tables) < 8 {
		t.Errorf("%d tables", len(tables))
	}
}

// The LaTeX output compiles. It runs where pdflatex is installed.
func TestLaTeXCompiles(t *testing.T) {
	pdflatex, err := exec.LookPath("pdflatex")
	if err != nil {
		t.Skip("pdflatex is not installed")
	}
	dir := t.TempDir()
	body := render(t, []result.Run{dumbbell(1), dumbbell(2), partial(), named("[\\&%$#_{}~^<>|\"'`é中–\x00")[0]}, LaTeX)
	// A basic installation lacks booktabs; its rules do not matter here.
	doc := "\\documentclass{article}\n\\IfFileExists{booktabs.sty}{\\usepackage{booktabs}}" +
		"{\\let\\toprule\\hline\\let\\midrule\\hline\\let\\bottomrule\\hline}\n" +
		fmt.Sprintf("\\begin{document}\n%s\\end{document}\n", body)
	if err := os.WriteFile(filepath.Join(dir, "x.tex"), []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(pdflatex, "-interaction=nonstopmode", "-halt-on-error", "x.tex")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
