package grid

import (
	"slices"
	"strings"
	"testing"

	"ouroboros/report"
)

// Commas separate values, but not within brackets, braces and quotes.
func TestVaryValues(t *testing.T) {
	for in, want := range map[string]string{
		"a":                                      "a",
		"a,b":                                    "a|b",
		" a , b ":                                "a|b",
		"1.5Gbps,80Mbps":                         "1.5Gbps|80Mbps",
		"[a,b],c":                                "[a,b]|c",
		"[[1,2],3],4":                            "[[1,2],3]|4",
		"{name: x, params: {k: 20}},{name: y},z": "{name: x, params: {k: 20}}|{name: y}|z",
		`"a,b",c`:                                `"a,b"|c`,
		`"a\",b",c`:                              `"a\",b"|c`,
		`'a,''b,',c`:                             `'a,''b,'|c`,
		`{s: "}"},{s: ','}`:                      `{s: "}"}|{s: ','}`,
		`it's,5'`:                                `it's|5'`, // no quote within a plain value
		"a],b":                                   "a]|b",
		`""`:                                     `""`,
	} {
		got, err := split(in)
		if err != nil || strings.Join(got, "|") != want {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	}
	for _, bad := range []string{"", ",", "a,", "a,,b", "[a", "{a: [b}", `"a`, `'a'',b`} {
		if got, err := split(bad); err == nil {
			t.Errorf("%s: %q", bad, got)
		}
	}
}

func TestVaryFlags(t *testing.T) {
	axes, err := ParseVary([]string{"x.y=1,2", "z=a", "x.y=3"})
	if err != nil || len(axes) != 2 || axes[0].Path != "x.y" || !slices.Equal(axes[0].Values, []string{"1", "2", "3"}) {
		t.Errorf("%v, %v", axes, err)
	}
	for _, bad := range []string{"x", "=1", "x=", "x=1,1", "x y=1", "x=[1"} {
		if _, err := ParseVary([]string{bad}); err == nil || !strings.Contains(err.Error(), "--vary "+bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := ParseVary([]string{"x=1,2", "x=3,2"}); err == nil {
		t.Error("a value stands twice")
	}
}

// The first axis varies slowest.
func TestProduct(t *testing.T) {
	got, err := Product([]report.Axis{{Path: "a", Values: []string{"1", "2"}}, {Path: "b", Values: []string{"x", "y", "z"}}})
	want := "1x 1y 1z 2x 2y 2z"
	var words []string
	for _, v := range got {
		words = append(words, strings.Join(v, ""))
	}
	if err != nil || strings.Join(words, " ") != want {
		t.Errorf("%v, %v", words, err)
	}
	big := report.Axis{Values: make([]string, 32)}
	if _, err := Product([]report.Axis{big, big}); err == nil {
		t.Error("1024 variants are accepted")
	}
}

// Whatever the text: values are not empty, and joined by commas they give the text but for blanks.
func FuzzParseVary(f *testing.F) {
	for _, s := range []string{"x=1,2", "x={a: b, c: [1, 2]},y", `x="a,b",'c''d'`, "x=", "=", "x=]}", `x="\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		axes, err := ParseVary([]string{s})
		if err != nil {
			return
		}
		_, list, _ := strings.Cut(s, "=")
		blank := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if slices.Contains(axes[0].Values, "") || blank(strings.Join(axes[0].Values, ",")) != blank(list) {
			t.Fatalf("%q: %q", s, axes[0].Values)
		}
	})
}

func TestParseShard(t *testing.T) {
	if s, err := ParseShard("2/8"); err != nil || s != (Shard{2, 8}) {
		t.Errorf("%v, %v", s, err)
	}
	for _, bad := range []string{"", "1", "0/2", "3/2", "-1/2", "1/2/3", "a/b", "1/0", "1/9999999"} {
		if _, err := ParseShard(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// Every job is in exactly one of the shards, and in the grid without shards.
func TestShardsShareOut(t *testing.T) {
	for n := 1; n < 9; n++ {
		for job := range 50 {
			in := 0
			for i := 1; i <= n; i++ {
				if (Shard{i, n}).has(job) {
					in++
				}
			}
			if in != 1 || !(Shard{}).has(job) {
				t.Errorf("job %d is in %d of %d shards", job, in, n)
			}
		}
	}
}
