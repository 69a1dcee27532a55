package report

import (
	"fmt"
	"math"
	"time"

	"ouroboros/scenarios/result"
)

func ms(f float64) result.Opt[time.Duration] {
	return result.Some(time.Duration(f * float64(time.Millisecond)))
}

func bps(f float64) result.Opt[float64] { return result.Some(f) }

// dist is a distribution with a histogram whose percentiles are the given ones.
func dist(n uint64, lo, mean, p50, p99, hi float64) result.Dist {
	d := result.Dist{N: n, Min: ms(lo), Mean: ms(mean), P50: ms(p50), P99: ms(p99), Max: ms(hi), Jitter: ms(mean / 10)}
	for _, b := range []struct {
		up float64
		n  uint64
	}{{p50, n / 2}, {p99, n * 99 / 200}, {hi, n - n/2 - n*99/200}} {
		if b.n > 0 {
			d.Buckets = append(d.Buckets, result.Bucket{UpTo: ms(b.up).Or(0), Count: b.n})
		}
	}
	return d
}

// dumbbell is a run with everything in it: raw and reliable flows, a ping, a failed flow, wishes met and
// missed, a fault, names with special characters, and values that are missing.
func dumbbell(seed uint64) result.Run {
	j := float64(seed) // makes seeds differ
	r := result.Run{
		Scenario: "dumbbell", Description: "two senders share a bottleneck", Seed: seed, Mode: result.ModeSim,
		Duration: 60 * time.Second, SimulatedTime: 60 * time.Second, Warmup: 500 * time.Millisecond,
		Version: "sha256:0123abcd", Fingerprint: fmt.Sprintf("%016x", 0xfeedbeef00+seed), Wall: 1234567 * time.Microsecond,
		Parameters: []result.Parameter{{Path: "layers.net.policies.congestion.name", Value: "mb-ecn", Origin: "flag"}},
		Nodes:      4,
		Totals:     result.Totals{Events: result.Some[uint64](9_000_000), PacketHops: result.Some[uint64](3_600_000), BuffersPeak: result.Some[uint64](2100), BuffersLeft: result.Some[uint64](0)},
		Notes:      []string{"Flow cbr/2 starts at 20 s."},
	}
	r.Flows = []result.Flow{cbrFlow(1, "cbr/1", "l0", j), cbrFlow(2, "cbr/2", "l1", -j), pingFlow(), bulkFlow(j), failedFlow()}
	r.Links = dumbbellLinks(j)
	r.Layers = []result.Layer{dumbbellLayer(j)}
	r.Expectations = []result.Expectation{
		{Metric: "goodput.jain", Op: ">", Value: 0.99, Unit: "ratio", Measured: bps(0.9987), OK: true},
		{Metric: "rtt.min", Op: "~", Value: 4_082_664, Unit: "ns", Measured: bps(4_082_664), Tolerance: bps(0.001), Theory: bps(4_082_664), Source: "2·(tx + 2 ms)", OK: true},
		{Metric: "goodput.sum", Op: ">=", Value: 92e6, Unit: "bit/s", Measured: bps(90.1e6), OK: false},
		{Metric: "outage.max", Op: "<", Value: 75e9, Unit: "ns", Reason: "no flow was interrupted"},
	}
	r.Series = dumbbellSeries(j)
	return r
}

func cbrFlow(id int, name, from string, j float64) result.Flow {
	return result.Flow{
		ID: id, Name: name, Workload: "cbr", Kind: "cbr", From: from, To: "r0", Layer: "net",
		QoS:   result.QoS{Name: "video", Mode: "ordered", Delay: ms(100), Bandwidth: result.Some[uint64](40_000_000)},
		Start: time.Second, Allocated: ms(3.25),
		OfferedRate: bps(80e6), OfferedPackets: 590_000, OfferedBytes: 590_000_000, SentPackets: 331_000, SentBytes: 331_000_000,
		Blocked: 25 * time.Second, DeliveredPackets: 330_000, DeliveredBytes: 330_000_000, LostPackets: 960, InFlightPackets: 40,
		Duplicates: 0, Reordered: 7, Goodput: bps(45.1e6 + j*1e5), Loss: result.Ratio[uint64](960, 331_000),
		Delay: dist(330_000, 2.165, 35.2+j, 33.1, 97.4, 121.6),
		Wishes: []result.Wish{
			{What: "delay", Unit: "ns", Asked: 100e6, Got: bps(121.6e6)},
			{What: "bandwidth", Unit: "bit/s", Asked: 40e6, Got: bps(45.1e6 + j*1e5), Met: true},
		},
		Theory: []result.Theory{{What: "delay.min", Unit: "ns", Value: 2_165_280, Measured: bps(2_165_280), Source: "3 links of 1 ms, 1033 B at 1 Gbit/s and 100 Mbit/s"}},
	}
}

func pingFlow() result.Flow {
	return result.Flow{
		ID: 3, Name: "a|b & 50%_#1", Workload: "ping", Kind: "ping", From: "l0", To: "r0", Layer: "net",
		QoS: result.QoS{Name: "raw", Mode: "raw"}, Start: time.Second, Allocated: ms(3.5),
		OfferedRate: bps(2560), OfferedPackets: 20, OfferedBytes: 1280, SentPackets: 20, SentBytes: 1280,
		DeliveredPackets: 20, DeliveredBytes: 1280, Goodput: bps(2560), Loss: bps(0),
		Delay:  dist(20, 2.041332, 2.1, 2.05, 2.9, 3.1),
		RTT:    dist(20, 4.082664, 4.2, 4.1, 5.8, 6.2),
		Theory: []result.Theory{{What: "rtt.min", Unit: "ns", Value: 4_082_664, Measured: bps(4_082_664), Source: "2·(tx + 2 ms)"}},
	}
}

func bulkFlow(j float64) result.Flow {
	return result.Flow{
		ID: 4, Name: "bulk", Workload: "bulk", Kind: "bulk", From: "l1", To: "r0", Layer: "net",
		QoS: result.QoS{Name: "data", Mode: "reliable", NoLoss: true}, Start: 2 * time.Second, Allocated: ms(3.5),
		OfferedPackets: 1000, OfferedBytes: 1_000_000, SentPackets: 1000, SentBytes: 1_000_000,
		DeliveredPackets: 1000, DeliveredBytes: 1_000_000, Goodput: bps(812_345.6), Loss: bps(0),
		Delay: dist(1000, 2.2, 9.8+j, 8, 31, 44), Retransmissions: result.Some[uint64](12 + uint64(math.Abs(j))),
		Timeouts: result.Some[uint64](1), Completion: ms(9848.5),
		Wishes: []result.Wish{{What: "loss", Unit: "ratio", Asked: 0, Got: bps(0), Met: true}},
	}
}

func failedFlow() result.Flow {
	return result.Flow{
		ID: 5, Name: "late", Workload: "late", Kind: "cbr", From: "l1", To: "r9", Layer: "net",
		QoS: result.QoS{Name: "raw", Mode: "raw"}, Start: 50 * time.Second, Failure: "name r9 is not registered",
	}
}

func dumbbellLinks(j float64) []result.Link {
	l := func(name, a, b string, rate uint64, util float64, sent, queue, down uint64) result.Link {
		return result.Link{
			Name: name, From: a, To: b, Rate: result.Some(rate), Delay: time.Millisecond,
			Utilisation: bps(util), Throughput: bps(util * float64(rate)), SentPackets: sent, SentBytes: sent * 1033,
			DeliveredPackets: sent - queue - down, DeliveredBytes: (sent - queue - down) * 1033,
			Drops: result.Drops{Queue: queue, Down: down}, QueueMean: bps(util * 30), QueueMax: 100,
		}
	}
	links := []result.Link{
		l("l0-r", "l0", "r", 1_000_000_000, 0.0466, 331_020, 0, 0),
		l("l0-r", "r", "l0", 1_000_000_000, 0.0001, 640, 0, 0),
		l("r-server", "r", "r0", 100_000_000, 0.9312+j/1000, 661_000, 1920, 14),
		l("r-server", "r0", "r", 100_000_000, 0.0012, 1300, 0, 0),
	}
	links[1].Rate, links[1].Utilisation, links[1].QueueMean = result.None[uint64](), result.None[float64](), result.None[float64]()
	links[3].QueueMean = bps(0.000008) // noise
	return links
}

func dumbbellLayer(j float64) result.Layer {
	return result.Layer{
		Name: "net", Kind: "unicast", Members: 4,
		Fairness: []result.Fairness{{Group: "cbr", Flows: 2, Jain: bps(0.9987 - j/1e4)}, {Flows: 4, Jain: bps(0.71)}},
		Control: []result.Control{
			{Kind: "link-state", Packets: 480, Bytes: 22_080}, {Kind: "flow-allocation", Packets: 10, Bytes: 920},
		},
		Drops:  []result.Count{{Name: "ttl expired", Value: 3}, {Name: "no route", Value: 0}},
		Queues: []result.Queue{{From: "l0", To: "r", Mean: bps(0), Max: 0}, {From: "r", To: "r0", Mean: bps(612.4 + j), Max: 1023}, {From: "r", Mean: bps(0.00001), Max: 3}},
		Convergence: []result.Convergence{{
			Fault: "link r-server down", At: 20 * time.Second,
			Detection: ms(0), Flooding: ms(2.1), Computation: ms(40.25), Total: ms(42.35),
			Outages: []result.Outage{
				{Flow: 1, Duration: ms(5042.35), Lost: 1200, Detection: ms(0), Switch: ms(42.35), Rest: ms(5000)},
				{Flow: 2, Duration: ms(12.5), Lost: 11, Protected: true, Detection: ms(10), Switch: ms(0), Rest: ms(2.5)},
				{Flow: 3, AtLeast: ms(35_000), Lost: 12},
			},
		}, {Fault: "link r-server up", At: 25 * time.Second, Total: ms(2.125)}},
	}
}

func dumbbellSeries(j float64) []result.Series {
	queue := result.Series{Name: "link.r-server.queue", Unit: "packets"}
	a := result.Series{Name: "flow.cbr/1.goodput", Unit: "bit/s"}
	b := result.Series{Name: "flow.cbr/2.goodput", Unit: "bit/s"}
	for i := range 600 {
		t := float64(i) / 10
		queue.Add(t, math.Round(50+50*math.Sin(t*3+j)))
		rate := 80e6
		if t > 20 && t < 40 {
			rate = 45e6
			b.Add(t, 45e6+1e6*math.Cos(t))
		}
		a.Add(t, rate+1e6*math.Sin(t))
	}
	return []result.Series{queue, a, b}
}

// mesh is a run of a demand matrix: many flows over many links.
func mesh(seed uint64, flows int) result.Run {
	r := result.Run{
		Scenario: "mesh", Description: "demand matrix", Seed: seed, Mode: result.ModeSim,
		Duration: 10 * time.Second, SimulatedTime: 10 * time.Second, Fingerprint: fmt.Sprintf("%016x", seed), Nodes: 25,
	}
	for i := range flows {
		f := cbrFlow(i+1, fmt.Sprintf("matrix/%d", i+1), fmt.Sprint("n", i%25), float64(i)/100)
		f.Workload, f.To = "matrix", fmt.Sprint("n", (i+7)%25)
		f.Wishes[0].Met = i%3 == 0
		r.Flows = append(r.Flows, f)
	}
	for i := range 56 {
		l := dumbbellLinks(0)[2]
		l.Name, l.From, l.To = fmt.Sprint("e", i/2), fmt.Sprint("n", i%25), fmt.Sprint("n", (i+1)%25)
		l.Utilisation = bps(float64(i*37%56) / 56)
		r.Links = append(r.Links, l)
	}
	r.Layers = []result.Layer{{Name: "net", Kind: "unicast", Members: 25, Fairness: []result.Fairness{{Group: "matrix", Flows: flows, Jain: bps(0.93)}}}}
	return r
}

// partial is a run that was interrupted.
func partial() result.Run {
	r := dumbbell(1)
	r.Partial, r.SimulatedTime, r.Fingerprint = true, 12_300_000_001, ""
	return r
}

// oneFlow is the smallest run: nothing but a flow that measured nothing.
func oneFlow() result.Run {
	return result.Run{
		Scenario: "two-hosts", Seed: 7, Mode: result.ModeLive, Duration: time.Second, SimulatedTime: time.Second,
		Flows: []result.Flow{{ID: 1, Name: "echo", Workload: "echo", From: "a", To: "b"}},
	}
}
