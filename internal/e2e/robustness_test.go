package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// faultFiles have the cases of docs/robustness.md.
var faultFiles = []string{"wirefaults_test.go", "lifefaults_test.go", "linkfaults_test.go"}

// TestRobustnessTable: every test that docs/robustness.md names exists, every test of a fault is in the table, and every
// case has an outcome.
func TestRobustnessTable(t *testing.T) {
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, f := range faultFiles {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declared.FindAllStringSubmatch(string(b), -1) {
			tests[m[1]] = false
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "robustness.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("^\\| (.+) \\| `(Test\\w+)` \\| (.+) \\|$")
	rows := 0
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| case |") {
			continue
		}
		m := row.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("no case, test and outcome: %s", line)
			continue
		}
		rows++
		if _, ok := tests[m[2]]; !ok {
			t.Errorf("%s: there is no test %s", m[1], m[2])
		}
		tests[m[2]] = true
		if !strings.Contains(m[3], "service goes on") && !strings.Contains(m[3], "named error") {
			t.Errorf("%s: the outcome is neither that the service goes on nor a named error: %s", m[1], m[3])
		}
	}
	for name, listed := range tests {
		if !listed {
			t.Errorf("%s is not in the table", name)
		}
	}
	if rows < 20 {
		t.Errorf("%d cases: the table was not read", rows)
	}
}
