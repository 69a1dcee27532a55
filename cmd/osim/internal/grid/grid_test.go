package grid

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ouroboros/cmd/osim/internal/runner"
	"ouroboros/cmd/osim/internal/source"
	"ouroboros/report"
)

// variants loads one variant of a scenario for each list of edits.
func variants(t *testing.T, name string, edits ...[]string) []Variant {
	t.Helper()
	var out []Variant
	for _, e := range edits {
		sc, err := source.Load(name, e)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, Variant{Values: e, Scenario: sc})
	}
	return out
}

// rates is a short grid: two rates of the constant flow.
func rates(t *testing.T, store *Store) Plan {
	v := variants(t, "two-hosts", []string{"duration=2s", "workload.cbr.rate=5Mbps"}, []string{"duration=2s", "workload.cbr.rate=6Mbps"})
	return Plan{Variants: v, Seeds: []uint64{1, 2, 3}, Version: "test", Store: store, Keep: Selection{}.Keep}
}

func makeGrid(t *testing.T, p Plan) *Grid {
	t.Helper()
	g, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func carryOut(t *testing.T, p Plan) *Grid {
	t.Helper()
	g := makeGrid(t, p)
	if err := g.Run(nil); err != nil {
		t.Fatal(err)
	}
	return g
}

func encoded(t *testing.T, g *Grid) string {
	t.Helper()
	data, err := json.Marshal(g.Results())
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Runs share nothing: side by side they give what they give one after the other, in the same order.
func TestJobsChangeNothing(t *testing.T) {
	p := rates(t, NewStore(""))
	alone := carryOut(t, p)
	p.Jobs = 4
	together := makeGrid(t, p)
	var last runner.Progress
	err := together.Run(func(x runner.Progress) {
		if x.Now < last.Now || x.Over < last.Over || x.Runs != 6 {
			t.Errorf("%+v after %+v", x, last)
		}
		last = x
	})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := encoded(t, alone), encoded(t, together); a != b {
		t.Errorf("results differ:\n%s\n%s", a, b)
	}
	if last.Now != last.End || last.End == 0 {
		t.Errorf("progress ends with %+v", last)
	}
	var order []int
	for _, r := range alone.Results() {
		order = append(order, 10*r.Variant+int(r.Seed))
	}
	if want := []int{1, 2, 3, 11, 12, 13}; !slices.Equal(order, want) {
		t.Errorf("order %v", order)
	}
}

// What is in the store is not run again, and gives the same; what is asked for beyond it is run.
func TestStoreContinues(t *testing.T) {
	store := NewStore(t.TempDir())
	p := rates(t, store)
	p.Seeds = []uint64{1, 2}
	carryOut(t, p)
	p.Seeds = []uint64{1, 2, 3}
	g := carryOut(t, p)
	if all, before := g.Size(); all != 6 || before != 4 {
		t.Errorf("%d of %d runs were there", before, all)
	}
	if a, b := encoded(t, g), encoded(t, carryOut(t, rates(t, NewStore("")))); a != b {
		t.Errorf("stored and fresh results differ:\n%s\n%s", a, b)
	}
	if notes := g.Notes(); len(notes) != 0 {
		t.Errorf("notes %q", notes)
	}
	// Nothing is left to do: progress is never told.
	if err := makeGrid(t, p).Run(func(p runner.Progress) { t.Errorf("%+v", p) }); err != nil {
		t.Error(err)
	}
}

// Shards make the whole grid together, whatever their order; the last call only collects.
func TestShardsMakeTheWhole(t *testing.T) {
	store := NewStore(t.TempDir())
	p := rates(t, store)
	for _, i := range []int{3, 1, 2} {
		p.Shard = Shard{i, 3}
		if n, _ := carryOut(t, p).Size(); n != 2 {
			t.Errorf("shard %d has %d runs", i, n)
		}
	}
	p.Shard = Shard{}
	g := makeGrid(t, p)
	if all, before := g.Size(); all != 6 || before != 6 {
		t.Errorf("%d of %d runs are there", before, all)
	}
	if encoded(t, g) != encoded(t, carryOut(t, rates(t, NewStore("")))) {
		t.Error("shards give other results")
	}
}

// A stop keeps what is over and drops what was going on; the next call goes on and ends up the same.
func TestStopKeepsWhatIsDone(t *testing.T) {
	store := NewStore(t.TempDir())
	g := makeGrid(t, rates(t, store))
	err := g.Run(func(p runner.Progress) {
		if p.Over == 3 && p.Now > p.End*7/12 {
			g.Stop()
		}
	})
	if n := len(g.Results()); err != nil || n != 3 {
		t.Fatalf("%d runs, %v", n, err)
	}
	// Both variants have seed 1 before any has seed 3.
	if r := g.Results(); r[0].Seed != 1 || r[1].Seed != 2 || r[2].Seed != 1 || r[2].Variant != 1 {
		t.Errorf("%+v", r)
	}
	if files, _ := os.ReadDir(store.dir); len(files) != 3 {
		t.Errorf("%d files", len(files))
	}
	next := carryOut(t, rates(t, store))
	if _, before := next.Size(); before != 3 || encoded(t, next) != encoded(t, carryOut(t, rates(t, NewStore("")))) {
		t.Errorf("%d runs were there", before)
	}
	stopped := makeGrid(t, rates(t, NewStore("")))
	stopped.Stop()
	if err := stopped.Run(nil); err != nil || len(stopped.Results()) != 0 {
		t.Errorf("%d runs after a stop, %v", len(stopped.Results()), err)
	}
}

// The identity of a run changes with all that its outcome depends on, and with nothing else.
func TestID(t *testing.T) {
	id := func(seed uint64, version string, edits ...string) string {
		v := variants(t, "two-hosts", edits)
		x, err := v[0].ID(seed, version)
		if err != nil || len(x) != 16 || strings.Trim(x, "0123456789abcdef") != "" {
			t.Fatalf("%q, %v", x, err)
		}
		return x
	}
	base := id(1, "v", "duration=3s", "workload.cbr.rate=5Mbps")
	for _, same := range []string{
		id(1, "v", "workload.cbr.rate=5Mbps", "duration=3s"), // the order of the command line
		id(1, "v", "duration=3s", "workload.cbr.rate=5Mbps", "seeds=[7]"),
		id(1, "v", "duration=3s", "workload.cbr.rate=5Mbps", "expect=[]"),
	} {
		if same != base {
			t.Error("the identity changes without a reason")
		}
	}
	seen := map[string]bool{base: true}
	for i, other := range []string{
		id(2, "v", "duration=3s", "workload.cbr.rate=5Mbps"),
		id(1, "w", "duration=3s", "workload.cbr.rate=5Mbps"),
		id(1, "v", "duration=3s", "workload.cbr.rate=6Mbps"),
		id(1, "v", "duration=4s", "workload.cbr.rate=5Mbps"),
		id(1, "v", "duration=3s"),
	} {
		if seen[other] {
			t.Errorf("%d: the identity stays the same", i)
		}
		seen[other] = true
	}
}

// The map is part of the identity: a topology file can change under its name.
func TestIDCoversTheMap(t *testing.T) {
	v := variants(t, "abilene", nil)[0]
	a, err := v.ID(1, "v")
	v.Graph.Links[3].Delay++
	b, err2 := v.ID(1, "v")
	if err != nil || err2 != nil || a == b {
		t.Errorf("%s, %s, %v, %v", a, b, err, err2)
	}
}

// Files that cannot be used are made again, with a note; files of others are left alone and counted.
func TestStoreWithStrangers(t *testing.T) {
	store := NewStore(t.TempDir())
	p := rates(t, store)
	want := encoded(t, carryOut(t, p))
	files, _ := filepath.Glob(filepath.Join(store.dir, "*.json"))
	if len(files) != 6 {
		t.Fatalf("%d files", len(files))
	}
	whole, err := os.ReadFile(files[2])
	if err != nil {
		t.Fatal(err)
	}
	for i, data := range []string{"{", string(whole), strings.Replace(string(whole), `"schema": 2`, `"schema": 99`, 1)} {
		if i == 2 {
			i = 3
		}
		if err := os.WriteFile(files[i], []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range map[string]string{
		"0000000000000000.json":  strings.Replace(string(whole), `"test"`, `"older"`, 1),
		"0000000000000001.json":  string(whole),
		"notes.txt":              "mine",
		".0000000000000000-1234": "half of a ru", // of a process that was killed
	} {
		if err := os.WriteFile(filepath.Join(store.dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g := carryOut(t, p)
	if _, before := g.Size(); before != 3 {
		t.Errorf("%d runs were used", before)
	}
	notes := strings.Join(g.Notes(), "\n")
	for _, part := range []string{
		files[0] + " cannot be used: ", "it holds the run " + strings.TrimSuffix(filepath.Base(files[2]), ".json"), "schema 99", "the run is made again",
		"1 run of another version of osim ignored", "1 run of other variants, seeds or scenarios ignored", "1 file that is no run",
	} {
		if !strings.Contains(notes, part) {
			t.Errorf("%q is not in\n%s", part, notes)
		}
	}
	if encoded(t, g) != want || encoded(t, makeGrid(t, p)) != want {
		t.Error("results differ")
	}
	if data, _ := os.ReadFile(filepath.Join(store.dir, "notes.txt")); string(data) != "mine" {
		t.Error("a file of others has changed")
	}
}

// A store that cannot be written ends the grid: nothing would be kept.
func TestStoreThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	g := makeGrid(t, rates(t, NewStore(dir)))
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := g.Run(nil); err == nil {
		t.Error("no error")
	}
	if _, err := New(rates(t, NewStore(dir))); err == nil {
		t.Error("a folder that is gone is no error")
	}
}

// What only a world can tell is an error of the scenario that names the variant, and ends the grid.
func TestScenarioThatAWorldRefuses(t *testing.T) {
	v := variants(t, "line", []string{"layers.net.shim=direct", "mode.world=live"})
	v[0].Values = []string{"direct", "live"}
	g := makeGrid(t, Plan{Variants: v, Seeds: []uint64{1, 2}, Store: NewStore(""), Keep: Selection{}.Keep})
	err := g.Run(nil)
	if err == nil || !strings.Contains(err.Error(), "variant direct, live: ") || len(g.Results()) != 0 || g.next != 1 {
		t.Errorf("%v, %d begun", err, g.next)
	}
}

// A network that does not come up is told for its variant; the figures stay.
func TestNetworkThatDoesNotComeUp(t *testing.T) {
	v := variants(t, "two-hosts", []string{"duration=2s"}, []string{"duration=2s", "workload.cbr.rate=5Mbps"})
	g := makeGrid(t, Plan{Variants: v, Seeds: []uint64{1, 2}, Store: NewStore(""), Keep: Selection{}.Keep})
	if err := g.Run(nil); err != nil {
		t.Fatal(err)
	}
	if f := g.Failures(); len(f) != 0 {
		t.Errorf("%+v", f)
	}
	g.jobs[1].record.Network = []string{"no carrier"}
	g.jobs[3].record, g.jobs[3].err = nil, os.ErrClosed
	f := g.Failures()
	if len(f) != 1 || f[0].Runs != 2 || f[0].Lost != 1 || f[0].Variant != g.plan.Variants[1].name() || !strings.Contains(f[0].First.Error(), "no carrier") {
		t.Errorf("%+v", f)
	}
}

// In memory is only what the table can need; the files have everything.
func TestRecordsKeepWhatIsChosen(t *testing.T) {
	store := NewStore(t.TempDir())
	p := rates(t, store)
	s, err := ParseMetrics([]string{"delay.p99 of cbr"})
	if err != nil {
		t.Fatal(err)
	}
	p.Keep = s.Keep
	for range 2 { // run, and read back
		for _, r := range carryOut(t, p).Results() {
			if len(r.Values) != 1 || !r.Values["delay.p99 of cbr"].OK() {
				t.Errorf("%v", r.Values)
			}
		}
	}
	p.Keep = func(string) bool { return true }
	g := makeGrid(t, p)
	if _, before := g.Size(); before != 6 {
		t.Error("other metrics are another run")
	}
	if r := g.Results()[0]; len(r.Values) < 60 || !r.Values["utilisation.max of a-b"].OK() || !r.Values["loss"].OK() {
		t.Errorf("%d values", len(r.Values))
	}
	var m report.Metric
	if ms, _ := s.Choose(carryOut(t, p).Results()); len(ms) == 1 {
		m = ms[0]
	}
	if m != (report.Metric{Name: "delay.p99 of cbr", Unit: "ns"}) {
		t.Errorf("%+v", m)
	}
}
