package operator

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
)

// "*" stands for any characters, and nothing else is special (spec 13 §13.4).
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "abc", true},
		{"a*c", "abbc", true},
		{"a*c", "abcb", false},
		{"**", "x", true},
		{"*b*", "abc", true},
		{"a?c", "abc", false},
		{"[a]", "a", false},
		{"*ab", "aab", true},
		{"uni*", "uni", true},
		{"a", "ab", false},
		{"*.*.*", "1.2", false},
	} {
		if Match(c.pattern, c.text) != c.want {
			t.Errorf("%q and %q: %t", c.pattern, c.text, !c.want)
		}
	}
}

// The same as a regular expression says.
func FuzzMatch(f *testing.F) {
	f.Add("a*b*c", "aXbYc")
	f.Add("**", "")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		parts := strings.Split(pattern, "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		re, err := regexp.Compile("(?s)^" + strings.Join(parts, ".*") + "$")
		if err != nil || strings.ToValidUTF8(text, "?") != text {
			t.Skip()
		}
		if got, want := Match(pattern, text), re.MatchString(text); got != want {
			t.Errorf("%q and %q: %t, want %t", pattern, text, got, want)
		}
	})
}

func TestParsePolicy(t *testing.T) {
	for text, want := range map[string]control.Policy{
		"drr":                  {Name: "drr"},
		"dctcp,gain=0.1,b=c=d": {Name: "dctcp", Params: map[string]string{"gain": "0.1", "b": "c=d"}},
	} {
		got, err := ParsePolicy(text)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", text, err, d)
		}
	}
	for _, text := range []string{"", ",a=b", "x,", "x,a", "x,=b", "x,a=", "x,a=1,a=2", "x,,a=1"} {
		if _, err := ParsePolicy(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// Text becomes what the file of a scenario would have.
func TestValues(t *testing.T) {
	got := Values(map[string]string{"a": "3", "b": "0.5", "c": "1e6", "d": "true", "e": "250ms", "f": "on", "g": "false", "h": "-1", "i": "0x10"})
	want := map[string]any{"a": int64(3), "b": 0.5, "c": 1e6, "d": true, "e": "250ms", "f": "on", "g": false, "h": int64(-1), "i": "0x10"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if Values(nil) != nil {
		t.Error("no parameters are no map")
	}
}

// Every parameter can be found by its word and its key, has a type that has it, and what its default says is
// accepted.
func TestParams(t *testing.T) {
	for i := range Params {
		p := &Params[i]
		if ParamOfWord(p.Word) != p {
			t.Errorf("%s is not found by its word", p.Word)
		}
		if len(p.Kinds) == 0 || p.Doc == "" || p.Accepts == "" {
			t.Errorf("%s is not described", p.Word)
		}
		for _, k := range p.Kinds {
			if FindParam(k, p.FileKey()) != p {
				t.Errorf("%s: its key %s finds another for %s", p.Word, p.FileKey(), control.KindWord(k))
			}
			if p.Default == "" {
				continue
			}
			if err := NewLayer(k, "l").Set(p, p.Default); err != nil && p.Word != "hosts" {
				t.Errorf("%s: its default: %v", p.Word, err)
			}
		}
	}
	if ParamOfWord("nonsense") != nil || FindParam(core.KindLocal, "addr_size") != nil {
		t.Error("found what there is not")
	}
}

// What the defaults say is what a layer has that nothing is said about (spec 13 §13.4).
func TestDefaultsAreTheDefaults(t *testing.T) {
	plain, err := NewLayer(core.KindUnicast, "l").Config()
	if err != nil {
		t.Fatal(err)
	}
	l := NewLayer(core.KindUnicast, "l")
	for i := range Params {
		if p := &Params[i]; p.Of(core.KindUnicast) && p.Default != "" && p.Form != Choice && p.Word != "mpl" && p.Word != "queue" && !strings.Contains(p.Word, "_t_") && !strings.HasPrefix(p.Word, "dht_") {
			if err := l.Set(p, p.Default); err != nil {
				t.Error(err)
			}
		}
	}
	said, err := l.Config()
	if err != nil {
		t.Fatal(err)
	}
	if plain.AddrSize != said.AddrSize || plain.EIDSize != said.EIDSize || plain.MaxTTL != said.MaxTTL || plain.Hash != said.Hash {
		t.Errorf("%+v\n%+v", plain, said)
	}
}

// A program is a file from here, or on PATH; it must be one that can be executed (spec 13 §13.4).
func TestFindProgram(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(filepath.Join(dir, "tool"), 0o755); err != nil {
		t.Fatal(err)
	}
	os.Mkdir(bin, 0o755)
	os.WriteFile(filepath.Join(bin, "tool"), nil, 0o755)
	os.WriteFile(filepath.Join(dir, "here"), nil, 0o755)
	t.Chdir(dir)
	t.Setenv("PATH", bin)
	for p, want := range map[string]string{"tool": bin + "/tool", "here": dir + "/here", "./here": dir + "/here", bin + "/tool": bin + "/tool"} {
		if got, err := FindProgram(p); err != nil || got != want {
			t.Errorf("%s: %s, %v", p, got, err)
		}
	}
	for _, p := range []string{"", "gone", "./tool", "/"} {
		if got, err := FindProgram(p); err == nil {
			t.Errorf("%q: %s", p, got)
		}
	}
}
