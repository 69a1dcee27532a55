package scenarios

import (
	"errors"
	"strings"
	"testing"
)

// Whatever the file and the edit, Load returns a sound scenario or errors that name the file or the edit, and what Load
// accepts can be relied on.
func FuzzLoad(f *testing.F) {
	for _, info := range Embedded() {
		data, err := Open(info.Name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "duration=5s")
	}
	f.Add([]byte(base), "workload.load.qos.delay=50ms")
	f.Add([]byte("a: &a [*a]\n"), "layers.0.policies.routing.params.x.y=1")
	f.Add([]byte("schema: {? [x] : y}\n"), "seeds=[1,{}]")
	f.Fuzz(func(t *testing.T, data []byte, set string) {
		s, err := Load("f.yaml", data, Options{Set: []string{set}, Catalog: testCatalog{}})
		if err != nil {
			for _, e := range Errors(err) {
				if e.Msg == "" || e.File != "f.yaml" && !strings.HasPrefix(e.File, "--set ") {
					t.Fatalf("%#v", e)
				}
			}
			if strings.Contains(err.Error(), "cannot be decoded") {
				t.Fatalf("the shape check let through: %v", err)
			}
			var one *Error
			if !errors.As(err, &one) {
				t.Fatalf("not an Error: %v", err)
			}
			return
		}
		if s.Duration <= 0 || len(s.Seeds) == 0 || len(s.Layers) == 0 || s.Name == "" {
			t.Fatalf("%+v", s)
		}
		for _, w := range s.Workload {
			w.QoS.Spec()
			if w.Layer == "" || w.Name == "" {
				t.Fatalf("%+v", w)
			}
		}
	})
}
