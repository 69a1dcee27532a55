package bench

import (
	"testing"
	"time"
)

// What is measured is the work of the scenario: counts agree with the arithmetic of the line.
func TestMeasureCountsTheWork(t *testing.T) {
	c, err := CaseNamed("line")
	if err != nil {
		t.Fatal(err)
	}
	o, err := Measure(c, []string{"duration=8s", "warmup=0s", "workload.cbr.rate=8Mbps", "expect=[]"})
	if err != nil {
		t.Fatal(err)
	}
	// 1000 packets a second for 6 s, nine links each, less those still on the way, and some routing.
	if o.Packets < 5990 || o.Packets > 6001 || o.Hops < 9*(o.Packets-10) || o.Hops > 10*o.Packets {
		t.Errorf("%d packets, %d hops", o.Packets, o.Hops)
	}
	if o.Events < o.Hops || o.Wall <= 0 || o.Simulated != 8*time.Second || o.EventsPerSecond() < o.HopsPerSecond() {
		t.Errorf("%+v", o)
	}
	hop, packet := o.Allocs.Or(-1), o.AllocsPacket.Or(-1)
	if hop < 0 || packet < hop {
		t.Errorf("%v objects per hop, %v per packet", hop, packet)
	}
	if mem, ok := o.PeakMemory.Get(); ok && (mem < 1<<20 || mem > 1<<33) {
		t.Errorf("peak of %d bytes", mem)
	}
	again, err := Measure(c, []string{"duration=8s", "warmup=0s", "workload.cbr.rate=8Mbps", "expect=[]"})
	if err != nil || again.Fingerprint != o.Fingerprint || again.Events != o.Events {
		t.Errorf("%v: fingerprints %s and %s, events %d and %d", err, o.Fingerprint, again.Fingerprint, o.Events, again.Events)
	}
}

func TestCasesAreNamed(t *testing.T) {
	for _, c := range Cases() {
		byName, err := CaseNamed(c.Name)
		byScenario, ok := CaseOf(c.Scenario)
		if err != nil || !ok || byName.Scenario != c.Scenario || byScenario.Name != c.Name || len(c.Text) == 0 || c.Doc == "" {
			t.Errorf("%s: %v, %v", c.Name, err, ok)
		}
	}
	if _, ok := CaseOf("line"); ok {
		t.Error("line is the name of a case, not of its scenario")
	}
}
