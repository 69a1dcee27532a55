package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/rogpeppe/go-internal/testscript"

	"ouroboros/cmd/internal/scripttest"
	"ouroboros/sim/capture"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"osim": main})
}

// Each script in testdata/script is a use of the command, with what it prints and its exit code.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scripttest.Exits, "grows": grows, "holds": holds, "pcap": pcap,
		},
	})
}

// grows FILE waits until a file has content.
func grows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: grows file")
	}
	for range 1000 {
		if st, err := os.Stat(ts.MkAbs(args[0])); err == nil && st.Size() > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s stays empty", args[0])
}

// holds FOLDER waits until a folder has a file that is not hidden.
func holds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: holds folder")
	}
	for range 1000 {
		if files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "[^.]*")); err == nil && len(files) > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s stays empty", args[0])
}

// pcap FILE prints how many interfaces and frames a capture has, the time of its first frame, and how
// many frames cannot be dissected.
func pcap(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: pcap file")
	}
	f, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	r, err := capture.NewReader(f, capture.DissectorOptions{})
	ts.Check(err)
	frames, bad := 0, 0
	var first time.Time
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		ts.Check(err)
		if frames == 0 {
			first = p.Metadata().Timestamp
		}
		if p.ErrorLayer() != nil && p.ErrorLayer().LayerType() == gopacket.LayerTypeDecodeFailure {
			bad++
		}
		frames++
	}
	fmt.Fprintf(ts.Stdout(), "%d interfaces, first %s\n%d frames, %d bad\n", r.Interfaces(), first.UTC().Format(time.DateTime), frames, bad)
}
