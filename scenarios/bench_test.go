package scenarios

import "testing"

// Loading must be quick enough to be done for each keystroke in an editor.
func BenchmarkLoadAbilene(b *testing.B) {
	data, err := Open("abilene")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load("abilene.yaml", data, Options{Catalog: testCatalog{}}); err != nil {
			b.Fatal(err)
		}
	}
}
