package scenarios_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ouroboros/scenarios"
)

// TestWhatIsWrittenIsReadBack: the file that Marshal writes of each embedded scenario says the same.
func TestWhatIsWrittenIsReadBack(t *testing.T) {
	for _, info := range scenarios.Embedded() {
		name := info.Name
		data, err := scenarios.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := scenarios.Load(name, data, scenarios.Options{})
		if err != nil {
			t.Fatal(err)
		}
		text, err := scenarios.Marshal(want)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := scenarios.Load(name, text, scenarios.Options{})
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s\n%s", name, diff, text)
		}
	}
}
