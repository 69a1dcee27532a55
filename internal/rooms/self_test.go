package rooms

import (
	"fmt"
	"strings"
	"testing"
)

// TestCheckerFindsEachOffence feeds one small offence at a time to the checker
// and expects exactly that finding on the line marked "// want".
func TestCheckerFindsEachOffence(t *testing.T) {
	for _, tc := range []struct{ name, dir, src, msg string }{
		{"os", "frcp", "import \"os\" // want\nvar _ = os.Args", "no operating system"},
		{"os/signal", "sim", "import _ \"os/signal\" // want", "no operating system"},
		{"net", "shim/eth", "import _ \"net\" // want", "no operating system"},
		{"net/http", "ipcp", "import _ \"net/http\" // want", "no operating system"},
		{"syscall", "core/irm", "import _ \"syscall\" // want", "no operating system"},
		{"os in the loader", "scenarios", "import _ \"os\" // want", "no operating system"},
		{"crypto/rand", "core/crypt", "import _ \"crypto/rand\" // want", "core.Env.Entropy"},
		{"cgo", "cmd/osim", "import \"C\" // want", "needs cgo"},
		{"afpacket", "shim/host", "import _ \"github.com/google/gopacket/afpacket\" // want", "needs cgo"},
		{"pcap", "sim", "import _ \"github.com/google/gopacket/pcap\" // want", "needs cgo"},
		{"library", "core/clock", "import _ \"gonum.org/v1/gonum/stat\" // want", "may not import the library"},
		{"dot import", "frcp", "import . \"time\" // want", "dot import"},
		{"edge", "frcp", "import _ \"ouroboros/sim\" // want", "frcp may not import sim"},
		{"root package", "core", "import _ \"ouroboros\" // want", "core may not import ouroboros"},
		{"no room", "frcp", "import _ \"ouroboros/util\" // want", "belongs to no room"},
		{"two worlds", "sim", "import _ \"ouroboros/shim/host\" // want", "sim may not import shim/host"},
		{"worlds two", "shim/host", "import _ \"ouroboros/sim\" // want", "shim/host may not import sim"},
		{"time.Now", "report", "import \"time\"\nvar _ = time.Now // want", "no time.Now"},
		{"renamed time", "core", "import t \"time\"\nfunc f() { t.Sleep(1) } // want", "no time.Sleep"},
		{"context timer", "", "import \"context\"\nvar f = context.WithTimeout // want", "no context.WithTimeout"},
		{"math/rand", "topologies", "import \"math/rand\"\nvar _ = rand.Intn(3) // want", "core.Env.Rand"},
		{"math/rand/v2", "sim", "import \"math/rand/v2\"\nvar _ = rand.IntN(3) // want", "core.Env.Rand"},
		{"iter.Pull", "ipcp", "import \"iter\"\nvar _ = iter.Pull[int] // want", "coroutines"},
		{"go", "report", "func f() {\n\tgo f() // want\n}", "no goroutine"},
		{"select", "sim", "func f() {\n\tselect {} // want\n}", "no select"},
		{"channel type", "core", "type t struct{ c chan int } // want", "no channel"},
		{"channel send", "core", "func f(c C) { c <- 1 } // want", "no channel"},
		{"channel receive", "core", "func f(c C) { <-c } // want", "no channel"},
		{"assigned var", "core", "var n int\nfunc f() { n = 1 } // want", "variable n is written"},
		{"assigned in init", "core", "var n int\nfunc init() { n += 1 } // want", "variable n is written"},
		{"incremented var", "", "var n int\nfunc f() { n++ } // want", "variable n is written"},
		{"written map", "ipcp", "var m = map[int]int{}\nfunc f() { m[1] = 2 } // want", "variable m is written"},
		{"written field", "sim", "var s struct{ p *int }\nfunc f() { *s.p = 2 } // want", "variable s is written"},
		{"deleted key", "sim", "var m = map[int]int{}\nfunc f() { delete(m, 1) } // want", "variable m is written"},
		{"range target", "sim", "var i int\nfunc f() { for i = range 3 { } } // want", "variable i is written"},
		{"lock", "core", "import \"sync\"\nvar mu sync.Mutex // want", "sync.Mutex is written state"},
		{"pool", "core", "import \"sync\"\nvar p = &sync.Pool{} // want", "sync.Pool is written state"},
		{"atomic", "", "import \"sync/atomic\"\nvar a [2]atomic.Int64 // want", "atomic.Int64 is written state"},
		{"other's state", "frcp", "import \"ouroboros/core\"\nfunc f() { core.X = 1 } // want", "package state of ouroboros/core"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := "package p\n\n" + tc.src + "\n"
			found := check(t, tc.dir, src)
			if len(found) != 1 {
				t.Fatalf("%d findings %v, want one", len(found), found)
			}
			before, _, _ := strings.Cut(src, "// want")
			want := fmt.Sprintf("%s/0.go:%d: ", tc.dir, strings.Count(before, "\n")+1)
			if got := found[0].String(); !strings.HasPrefix(got, want) || !strings.Contains(got, tc.msg) {
				t.Errorf("finding %q, want %q … %q", got, want, tc.msg)
			}
		})
	}
}

// TestCheckerLeavesInnocentCodeAlone holds that what only looks like an offence
// is not reported.
func TestCheckerLeavesInnocentCodeAlone(t *testing.T) {
	for _, tc := range []struct{ name, dir, src string }{
		{"durations", "core", "import \"time\"\nconst d = 3 * time.Second\nvar _ time.Duration"},
		{"own streams", "frcp", "import \"math/rand/v2\"\nfunc f(s uint64) *rand.Rand { return rand.New(rand.NewPCG(s, 1)) }"},
		{"local named time", "core", "type c struct{}\nfunc (c) Now() int { return 0 }\nfunc f(time c) int { return time.Now() }"},
		{"shadowed var", "core", "var n int\nfunc f() { n := 1; n++; n = 2; _ = n }"},
		{"blank beside a check of a type", "core", "type i interface{}\nvar _ i = 1\nfunc f() { _ = f2() }\nfunc f2() int { return 1 }"},
		{"parameter", "core", "var n int\nfunc f(n int) { n = 2; _ = n }"},
		{"field of the same name", "core", "var n int\ntype t struct{ n int }\nfunc f(x *t) { x.n = 2 }"},
		{"read table", "core", "var table = [2]int{1, 2}\nfunc f() int { x := table; x[0] = 3; return table[x[1]] }"},
		{"local lock", "core", "import \"sync\"\ntype t struct{ mu sync.Mutex }\nvar f = func() { var mu sync.Mutex; mu.Lock() }"},
		{"lazy value", "core", "import \"sync\"\nvar f = sync.OnceValue(func() int { return 1 })"},
		{"coroutines of sim", "sim", "import \"iter\"\nvar _ = iter.Pull[int]"},
		{"files of a report", "report", "import \"os\"\nvar _ = os.WriteFile"},
		{"embedded scenarios", "scenarios", "import (\n\"embed\"\n\"io/fs\"\n)\nvar data embed.FS\nvar _ fs.FS = data"},
		{"the host", "shim/host", "import (\n\"net\"\n\"time\"\n)\nvar n = time.Now()\nfunc f(c chan net.Addr) { go f(c); select { case <-c: n = time.Now() } }"},
		{"net.Conn of the API", "", "import \"net\"\nvar _ net.Conn"},
		{"addresses as values", "core", "import \"net/netip\"\nvar _ netip.Addr"},
		{"generated", "ipcp", "var x []byte\nfunc init() { x = nil }"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := "package p\n\n" + tc.src + "\n"
			if tc.name == "generated" {
				src = "// Code generated by protoc-gen-go. DO NOT EDIT.\n\n" + src
			}
			for _, f := range check(t, tc.dir, src) {
				t.Error(f)
			}
		})
	}
}

// TestStateIsSeenAcrossFiles holds that a variable of one file is state when
// another file of the package writes it.
func TestStateIsSeenAcrossFiles(t *testing.T) {
	found := check(t, "core", "package p\n\nvar n int\n", "package p\n\nfunc f() { n = 1 }\n")
	if len(found) != 1 || !strings.HasPrefix(found[0].String(), "core/1.go:3: ") {
		t.Errorf("findings %v, want one at core/1.go:3", found)
	}
}

// TestPackageOutsideTheRooms holds that Go code in a folder without a room is
// an offence in itself.
func TestPackageOutsideTheRooms(t *testing.T) {
	found := check(t, "util", "package p\n")
	if len(found) != 1 || !strings.Contains(found[0].msg, "no room") {
		t.Errorf("findings %v, want one on the missing room", found)
	}
}

// check runs the checker on sources named dir/0.go, dir/1.go and so on.
func check(t *testing.T, dir string, texts ...string) []finding {
	t.Helper()
	files := make([]source, len(texts))
	for i, text := range texts {
		files[i] = source{fmt.Sprintf("%s/%d.go", dir, i), []byte(text)}
	}
	found, err := checkPackage(dir, files)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
