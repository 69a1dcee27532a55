package netns

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
)

var made atomic.Int64 // namespaces made by ForTest, for their names

// ForTest returns n namespaces for the time of a test or benchmark, and skips it when they cannot be made.
func ForTest(t testing.TB, n int) []*Namespace {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("SKIPPED: %s needs root, to make network namespaces: what it holds is not tested here", t.Name())
	}
	all := make([]*Namespace, n)
	for i := range all {
		ns, err := New(fmt.Sprintf("test%d", made.Add(1)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := ns.Close(); err != nil {
				t.Error(err)
			}
		})
		all[i] = ns
	}
	return all
}
