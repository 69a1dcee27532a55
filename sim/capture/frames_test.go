package capture

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// frame is one entry of testdata/frames.txt; the file explains its form.
type frame struct {
	name    string
	session bool // a new network starts here
	bytes   []byte
	layers  string
	facts   []string
	line    int
}

func readFrames(tb testing.TB, path string) []frame {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var (
		frames  []frame
		cur     *frame
		session = true
		sc      = bufio.NewScanner(f)
	)
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || word == "#":
		case word == "session":
			session = true
		case word == "frame":
			p := strings.Fields(rest)
			head := unhex(tb, path, n, strings.ReplaceAll(p[2]+p[1]+"a000", ":", ""))
			frames = append(frames, frame{name: p[0], session: session, bytes: head, line: n})
			cur, session = &frames[len(frames)-1], false
		case word == "layers":
			cur.layers = rest
		case strings.HasPrefix(line, "  "):
			cur.bytes = append(cur.bytes, unhex(tb, path, n, strings.TrimSpace(line))...)
		default:
			cur.facts = append(cur.facts, line)
		}
	}
	if err := sc.Err(); err != nil {
		tb.Fatal(err)
	}
	return frames
}

func unhex(tb testing.TB, path string, line int, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatalf("%s:%d: %v", path, line, err)
	}
	return b
}

// names returns the types of the layers of a packet without their common prefix.
func names(p gopacket.Packet) string {
	var out []string
	for _, l := range p.Layers() {
		out = append(out, strings.TrimPrefix(l.LayerType().String(), "Ouroboros"))
	}
	return strings.Join(out, " ")
}

// value returns a field of a layer as the file of frames writes it.
func value(p gopacket.Packet, layer, field string) string {
	for _, l := range p.Layers() {
		if l.LayerType().String() != "Ouroboros"+layer {
			continue
		}
		v := reflect.ValueOf(l).Elem().FieldByName(field)
		if !v.IsValid() {
			return "no such field"
		}
		if v.Kind() == reflect.Slice || v.Kind() == reflect.Array {
			return fmt.Sprintf("%x", v.Interface())
		}
		return fmt.Sprint(v.Interface())
	}
	return "no such layer"
}

// The dissector decodes what live nodes of the C prototype sent, to the fields, and follows their flows
// from allocation and connection exchange to data (spec 01 §3, 02 §2, 03 §1, 04 §3, 07 §2, 10 §10.3, 11
// §11.2); where a capture starts in the middle, it recognises the messages by their form.
func TestDissectorDecodesFramesOfThePrototype(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no frames", err)
	}
	for _, path := range paths {
		var d *Dissector
		for _, f := range readFrames(t, path) {
			if f.session {
				d = NewDissector(DissectorOptions{})
			}
			t.Run(f.name, func(t *testing.T) {
				p := d.Decode(f.bytes, layers.LinkTypeEthernet, whole(f.bytes))
				if e := p.ErrorLayer(); e != nil {
					t.Fatalf("%s:%d: %v", path, f.line, e.Error())
				}
				if got := names(p); got != f.layers {
					t.Fatalf("%s:%d: layers\n got %s\nwant %s\n%s", path, f.line, got, f.layers, Summary(p))
				}
				for _, fact := range f.facts {
					key, want, _ := strings.Cut(fact, " = ")
					layer, field, _ := strings.Cut(key, ".")
					if got := value(p, layer, field); got != want {
						t.Errorf("%s:%d: %s = %s, want %s", path, f.line, key, got, want)
					}
				}
			})
		}
	}
}

func whole(b []byte) gopacket.CaptureInfo {
	return gopacket.CaptureInfo{CaptureLength: len(b), Length: len(b)}
}
