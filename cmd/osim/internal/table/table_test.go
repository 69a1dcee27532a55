package table

import (
	"strings"
	"testing"
)

func TestForms(t *testing.T) {
	x := Table{Heads: []string{"name", "size"}, Right: []bool{false, true}}
	x.Add("a|b", "7")
	x.Add(`"q", r`, "1234")
	for _, c := range []struct{ format, want string }{
		{"text", " name    size\n──────────────\n a|b        7\n \"q\", r  1234\n"},
		{"markdown", "| name   | size |\n|:-------|-----:|\n| a\\|b   |    7 |\n| \"q\", r | 1234 |\n"},
		{"csv", "name,size\na|b,7\n\"\"\"q\"\", r\",1234\n"},
		{"json", "[\n  {\n    \"name\": \"a|b\",\n    \"size\": \"7\"\n  },\n  {\n    \"name\": \"\\\"q\\\", r\",\n    \"size\": \"1234\"\n  }\n]\n"},
	} {
		var b strings.Builder
		if err := x.Write(&b, c.format); err != nil {
			t.Fatal(err)
		}
		if b.String() != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.format, b.String(), c.want)
		}
		if err := Check(c.format); err != nil {
			t.Error(err)
		}
	}
	if err := Check("latex"); err == nil || !strings.Contains(err.Error(), "text, markdown, csv, json") {
		t.Errorf("latex: %v", err)
	}
}

// A list without entries is a JSON list too.
func TestEmptyTableAsJSON(t *testing.T) {
	var b strings.Builder
	if err := (&Table{Heads: []string{"name"}}).Write(&b, "json"); err != nil || b.String() != "[]\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}
