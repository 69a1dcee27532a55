package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ouroboros/scenarios/result"
)

// readCSV returns the rows of a table as maps from column name to field.
func readCSV(t *testing.T, name string, runs []result.Run) []map[string]string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteCSV(&b, name, runs); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var out []map[string]string
	for _, r := range rows[1:] {
		m := map[string]string{}
		for i, c := range rows[0] {
			if _, twice := m[c]; twice {
				t.Fatalf("%s: two columns %q", name, c)
			}
			m[c] = r[i]
		}
		out = append(out, m)
	}
	return out
}

// A field of a CSV file reads back as exactly the number that was measured, and a missing one is empty.
func TestCSVReadsBackTheSameNumbers(t *testing.T) {
	r := mesh(1<<64-1, 500)
	r.Flows[3].Name = "a,b \"c\"\nd"
	rows := readCSV(t, "flows", []result.Run{r})
	if len(rows) != 500 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, row := range rows {
		f := &r.Flows[i]
		if row["flow"] != f.Name || row["seed"] != "18446744073709551615" {
			t.Fatalf("row %d is %v", i, row)
		}
		for col, want := range map[string]result.Opt[float64]{
			"offered_bps": f.OfferedRate, "goodput_bps": f.Goodput, "loss_ratio": f.Loss,
			"got_bandwidth_bps": f.Wishes[1].Got, "sent_packets": bps(float64(f.SentPackets)),
		} {
			if got, err := strconv.ParseFloat(row[col], 64); err != nil || got != want.Or(-1) {
				t.Errorf("row %d: %s is %q, want %v", i, col, row[col], want)
			}
		}
		for col, want := range map[string]time.Duration{
			"delay_mean_s": f.Delay.Mean.Or(0), "delay_max_s": f.Delay.Max.Or(0), "blocked_s": f.Blocked, "asked_delay_s": 100 * time.Millisecond,
		} {
			if got, err := time.ParseDuration(row[col] + "s"); err != nil || got != want {
				t.Errorf("row %d: %s is %q, want %v", i, col, row[col], want)
			}
		}
		for _, col := range []string{"rtt_min_s", "retransmissions", "completion_s", "stop_s", "asked_loss_ratio", "failure"} {
			if row[col] != "" {
				t.Errorf("row %d: missing %s is %q", i, col, row[col])
			}
		}
	}
}

// Every table has rows where the runs have something to say, and each row starts with its run.
func TestEveryTableHoldsItsRows(t *testing.T) {
	runs := []result.Run{dumbbell(1), dumbbell(2)}
	want := map[string]int{
		"runs": 2, "flows": 10, "wishes": 10, "theory": 6, "links": 8, "layers": 2, "load": 2, "levels": 8, "queues": 6, "fairness": 4, "control": 4,
		"drops": 4, "convergence": 4, "outages": 6, "expectations": 8, "series": 2 * (600 + 600 + 199), "summary": -1,
	}
	for _, name := range Tables() {
		rows := readCSV(t, name, runs)
		if n := want[name]; len(rows) != n && n >= 0 || len(rows) == 0 {
			t.Errorf("%s has %d rows, want %d", name, len(rows), n)
		}
		for _, r := range rows {
			if r["scenario"] != "dumbbell" || r["mode"] != "sim" || r["parameters"] != "layers.net.policies.congestion.name=mb-ecn" {
				t.Fatalf("%s: %v", name, r)
			}
		}
	}
	if err := WriteCSV(io.Discard, "nodes", runs); err == nil || !strings.Contains(err.Error(), "flows") {
		t.Errorf("unknown table: %v", err)
	}
}

// A wish that was not met and an expectation that could not be judged read as such.
func TestCSVVerdicts(t *testing.T) {
	runs := []result.Run{dumbbell(1)}
	f := readCSV(t, "flows", runs)
	if f[0]["met_delay"] != "no" || f[0]["met_bandwidth"] != "yes" || f[0]["met"] != "no" || f[2]["met"] != "" || f[3]["met"] != "yes" {
		t.Errorf("%v", f)
	}
	e := readCSV(t, "expectations", runs)
	if e[0]["ok"] != "yes" || e[2]["ok"] != "no" || e[3]["measured"] != "" || e[1]["measured"] != "0.004082664" || e[1]["unit"] != "s" {
		t.Errorf("%v", e)
	}
	for _, row := range readCSV(t, "expectations", []result.Run{partial()}) {
		if row["ok"] != "" {
			t.Errorf("a partial run judged: %v", row)
		}
	}
}

// The CSV stream is the files one after the other, each behind its name.
func TestCSVStreamSplitsIntoTables(t *testing.T) {
	runs := []result.Run{dumbbell(1), dumbbell(2)}
	var names []string
	for i, part := range strings.Split("\n"+string(render(t, runs, CSV)), "\n# ") {
		if i == 0 {
			continue
		}
		name, body, _ := strings.Cut(part, "\n")
		names = append(names, name)
		var b bytes.Buffer
		if err := WriteCSV(&b, name, runs); err != nil {
			t.Fatal(err)
		}
		if strings.TrimRight(body, "\n") != strings.TrimRight(b.String(), "\n") {
			t.Errorf("%s differs from its file", name)
		}
	}
	if !slices.Equal(names, Tables()) {
		t.Errorf("tables %v", names)
	}
}

// The JSON document holds the runs whole; missing values come back missing.
func TestJSONRoundTrip(t *testing.T) {
	for name, runs := range fixtures() {
		for i := range runs {
			runs[i].Wall = 0 // stays out of results
		}
		var got Document
		if err := json.Unmarshal(render(t, runs, JSON), &got); err != nil {
			t.Fatal(err)
		}
		if got.Schema != Schema {
			t.Errorf("schema %d", got.Schema)
		}
		if d := cmp.Diff(runs, got.Runs, cmp.Exporter(func(reflect.Type) bool { return true })); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if d := cmp.Diff(Summarise(runs), got.Summary, cmp.Exporter(func(reflect.Type) bool { return true })); d != "" && len(runs) > 1 {
			t.Errorf("%s: %s", name, d)
		}
	}
	if out := string(render(t, []result.Run{oneFlow()}, JSON)); !strings.Contains(out, `"goodput_bps": null`) {
		t.Error("missing goodput is not null")
	}
}

// memory is a results folder in memory.
type memory struct {
	order []string
	files map[string]*bytes.Buffer
	fail  string // name of a file that cannot be closed
}

type memoryFile struct {
	*bytes.Buffer
	err error
}

func (f memoryFile) Close() error { return f.err }

func (m *memory) Create(name string) (io.WriteCloser, error) {
	if m.files[name] != nil {
		return nil, errors.New("created twice")
	}
	m.order = append(m.order, name)
	m.files[name] = &bytes.Buffer{}
	var err error
	if name == m.fail {
		err = errFull
	}
	return memoryFile{m.files[name], err}, nil
}

func folder(t *testing.T, runs []result.Run) *memory {
	t.Helper()
	m := &memory{files: map[string]*bytes.Buffer{}}
	if err := Folder(m, runs); err != nil {
		t.Fatal(err)
	}
	return m
}

// The manifest is the last file, lists all others, and says how to make the folder again.
func TestFolderManifest(t *testing.T) {
	runs := []result.Run{dumbbell(1), partial()}
	m := folder(t, runs)
	last := len(m.order) - 1
	if m.order[last] != "manifest.json" {
		t.Errorf("order %v", m.order)
	}
	var got Manifest
	if err := json.Unmarshal(m.files["manifest.json"].Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Files, m.order[:last]) {
		t.Errorf("manifest lists %v", got.Files)
	}
	r := got.Runs[0]
	if got.Scenario != "dumbbell" || got.Version != "sha256:0123abcd" || !got.Partial || len(got.Runs) != 2 ||
		r.Seed != 1 || r.Fingerprint != runs[0].Fingerprint || r.Parameters[0].Value != "mb-ecn" || r.Partial || r.OK || r.Wall != runs[0].Wall {
		t.Errorf("%+v", got)
	}
	for _, name := range []string{
		"report.txt", "report.md", "report.tex", "result.json", "flows.csv", "links.csv", "layers.csv", "convergence.csv",
		"expectations.csv", "series.csv", "series.jsonl", "plot-flow-goodput.svg", "plot-link-queue.svg", "plot-delay-ecdf.svg",
	} {
		if m.files[name] == nil || m.files[name].Len() == 0 {
			t.Errorf("%s is missing or empty; there are %v", name, m.order)
		}
	}
}

// Equal runs make equal folders; the wall clock alone may differ, and only in the manifest.
func TestFolderIsReproducible(t *testing.T) {
	slow := dumbbell(1)
	slow.Wall *= 2
	a, b := folder(t, []result.Run{dumbbell(1)}), folder(t, []result.Run{slow})
	for _, name := range a.order {
		same := bytes.Equal(a.files[name].Bytes(), b.files[name].Bytes())
		if same == (name == "manifest.json") {
			t.Errorf("%s: equal is %v", name, same)
		}
	}
}

// Figures are XML with the names of the lines, the unit of each axis and the faults.
func TestFiguresNameWhatTheyShow(t *testing.T) {
	m := folder(t, []result.Run{dumbbell(1)})
	for name, words := range map[string][]string{
		"plot-flow-goodput.svg": {"cbr/1", "cbr/2", "goodput (Mbit/s)", "time (s)", "link r-server down"},
		"plot-link-queue.svg":   {"r-server", "queue (packets)", "time (s)"},
		"plot-delay-ecdf.svg":   {"delay (ms)", "share of packets", "bulk"},
	} {
		svg := m.files[name].String()
		if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, w := range words {
			if !strings.Contains(svg, ">"+w+"<") {
				t.Errorf("%s does not show %q", name, w)
			}
		}
	}
	for name := range folder(t, []result.Run{oneFlow()}).files {
		if strings.HasPrefix(name, "plot") {
			t.Errorf("%s of a run without samples", name)
		}
	}
}

// A file that cannot be written or closed ends the folder with an error that names it.
func TestFolderErrorsNameTheFile(t *testing.T) {
	for _, name := range []string{"report.txt", "links.csv", "plot-link-queue.svg", "manifest.json"} {
		m := &memory{files: map[string]*bytes.Buffer{}, fail: name}
		err := Folder(m, []result.Run{dumbbell(1)})
		if !errors.Is(err, errFull) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if m.order[len(m.order)-1] != name {
			t.Errorf("%s: went on to %v", name, m.order)
		}
	}
	if err := Folder(&memory{}, nil); err == nil {
		t.Error("no runs, no error")
	}
}

// A line of series.jsonl is a series with the identity of its run.
func TestSeriesLines(t *testing.T) {
	runs := []result.Run{dumbbell(1), dumbbell(2)}
	var b bytes.Buffer
	if err := WriteSeries(&b, runs); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(&b)
	for i := range 6 {
		var got struct {
			Scenario string    `json:"scenario"`
			Seed     uint64    `json:"seed"`
			Name     string    `json:"name"`
			T        []float64 `json:"t_s"`
			V        []float64 `json:"v"`
		}
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		want := runs[i/3].Series[i%3]
		if got.Scenario != "dumbbell" || got.Seed != runs[i/3].Seed || got.Name != want.Name || !slices.Equal(got.T, want.T) || !slices.Equal(got.V, want.V) {
			t.Errorf("line %d is %s of seed %d", i, got.Name, got.Seed)
		}
	}
	if d.More() {
		t.Error("more lines than series")
	}
}
