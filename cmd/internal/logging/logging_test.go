package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestTextIsThePrototypesForm (spec 13 §13.5): process, component, level, text. A message stays on its line.
func TestTextIsThePrototypesForm(t *testing.T) {
	var b bytes.Buffer
	log, q := Text(&b, Options{Component: "irmd"})
	log.Info("Created IPCP 36.", "name", "uni 1", "n", 3)
	log.With("component", "irmd/ipcp").Warn("two\nlines")
	log.WithGroup("g").Error("bad", "why", errors.New("x=y"))
	log.Debug("not shown")
	q.Close()
	want := fmt.Sprintf("==%05[1]d== irmd(II): Created IPCP 36. name=\"uni 1\" n=3\n==%05[1]d== irmd/ipcp(WW): two\\nlines\n==%05[1]d== irmd(EE): bad g.why=\"x=y\"\n", os.Getpid())
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

// TestJSONHasOneObjectALine.
func TestJSONHasOneObjectALine(t *testing.T) {
	var b bytes.Buffer
	log, q := JSON(&b, Options{Component: "irmd"})
	log.Info("one", "k", "v")
	log.Warn("two")
	q.Close()
	l := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(l) != 2 {
		t.Fatalf("%d lines: %q", len(l), b.String())
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(l[0]), &m); err != nil || m["msg"] != "one" || m["k"] != "v" || m["component"] != "irmd" {
		t.Errorf("%v, %v", m, err)
	}
}

// disk is a place that is full, or does not answer.
type disk struct {
	mu   sync.Mutex
	full bool
	hang chan struct{}
	got  []string
}

func (d *disk) Write(b []byte) (int, error) {
	if d.hang != nil {
		<-d.hang
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full {
		return 0, errors.New("no space left on device")
	}
	d.got = append(d.got, string(b))
	return len(b), nil
}

func (d *disk) set(full bool) {
	d.mu.Lock()
	d.full = full
	d.mu.Unlock()
}

// TestFullDiskIsCounted: who logs does not notice; when there is room again the log says what is missing.
func TestFullDiskIsCounted(t *testing.T) {
	d := &disk{full: true}
	log, q := Text(d, Options{Component: "irmd"})
	for range 10 {
		log.Info("lost")
	}
	deadline := time.Now().Add(10 * time.Second)
	for q.Lost() < 10 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	d.set(false)
	log.Info("here again")
	q.Close()
	if q.Lost() != 10 || len(d.got) != 2 || !strings.Contains(d.got[0], "(WW): 10 lines of the log were lost.") || !strings.Contains(d.got[1], "here again") {
		t.Errorf("%d lost, written %q", q.Lost(), d.got)
	}
}

// TestNobodyWaitsForThePlace: one that hangs gets as many lines as the queue has room for, and the rest is counted.
func TestNobodyWaitsForThePlace(t *testing.T) {
	d := &disk{hang: make(chan struct{})}
	log, q := Text(d, Options{Component: "irmd"})
	const n = queueLen + 100
	for range n {
		log.Info("x")
	}
	if lost := q.Lost(); lost < 99 || lost > 100 { // one may be in the hands of the writer
		t.Errorf("%d lost, want 99 or 100", lost)
	}
	q.Close() // gives up after a second
	log.Info("after the end")
	close(d.hang)
	<-q.done
	if q.Lost() < 100 {
		t.Errorf("%d lost", q.Lost())
	}
}

// TestLevelsOfTheSystemLog: all have a priority there.
func TestLevelsOfTheSystemLog(t *testing.T) {
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if _, ok := priorities[levelOf(l).letters]; !ok {
			t.Errorf("level %v has none", l)
		}
	}
}
