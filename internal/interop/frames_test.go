package interop

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// frame is one frame of a capture.
type frame struct {
	capture  string
	number   int
	at       time.Duration // since the first frame
	from, to string        // MAC addresses, of udp captures IP addresses
	// kind says what the frame is, from the outside in. It comes from a description of the capture that was
	// made from the specification alone.
	kind []string
	data []byte
}

func (f *frame) String() string {
	return fmt.Sprintf("%s #%d (%s)", f.capture, f.number, strings.Join(f.kind, "/"))
}

// is reports whether the frame has an element of that kind.
func (f *frame) is(kind string) bool { return slices.Contains(f.kind, kind) }

// load reads the frames of a capture.
func load(t testing.TB, capture string) []*frame {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", capture+".frames"))
	if err != nil {
		t.Fatal(err)
	}
	var out []*frame
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if s.Text() == "" || s.Text()[0] == '#' {
			continue
		}
		w := strings.Fields(s.Text())
		f := &frame{capture: capture, number: len(out) + 1}
		if len(w) != 5 {
			t.Fatalf("%s: a line of %d words: %s", capture, len(w), s.Text())
		}
		f.from, f.to, f.kind = w[1], w[2], strings.Split(w[3], "/")
		if f.data, err = hex.DecodeString(w[4]); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if capture != spec {
			ms, err := strconv.ParseFloat(w[0], 64)
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			f.at = time.Duration(ms * float64(time.Millisecond))
		} else {
			f.capture = "spec " + w[0]
		}
		out = append(out, f)
	}
	return out
}

// spec is the file of messages that come from the specification.
const spec = "spec"

// captures returns the names of all captures.
func captures(t testing.TB) (names []string) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.frames")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d captures, %v", len(files), err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".frames"); name != spec {
			names = append(names, name)
		}
	}
	return names
}
