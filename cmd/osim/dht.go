package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/table"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/report"
)

func newDHT() *cobra.Command {
	return group(&cobra.Command{
		Use:   "dht",
		Short: "Measure the distributed directory: hops of a lookup, lookups under churn",
		Long: `Measure the directory policy dht by itself: its members, the real ones, exchange
their messages in memory, without the layers around them.`,
		Example: examples(`
			osim dht hops --members 64,256,1024
			osim dht churn --members 300 --fail 0.3`),
	}, newDHTHops(), newDHTChurn())
}

// dhtFlags are common to both measurements.
type dhtFlags struct {
	members, seeds []string
	k, alpha       int
	lookups        int
	loss           float64
	format         string
}

func (f *dhtFlags) add(cmd *cobra.Command, members, seeds string) {
	fl := cmd.Flags()
	fl.StringArrayVar(&f.members, "members", []string{members}, "number of members, or a list such as 64,256; repeatable")
	fl.StringArrayVar(&f.seeds, "seeds", []string{seeds}, "seed, list or range of seeds: a layer for each; repeatable")
	fl.IntVar(&f.k, "k", 8, "contacts in a bucket, and copies of a value: 1 to 20")
	fl.IntVar(&f.alpha, "alpha", 3, "requests of a lookup at a time: 1 to 10")
	fl.IntVar(&f.lookups, "lookups", 1000, "lookups in each layer")
	fl.Float64Var(&f.loss, "loss", 0, "share of messages that are lost, from 0 to below 1")
	tableFormat(cmd, &f.format)
}

// trials returns the trials by number of members, one for each seed.
func (f *dhtFlags) trials() (sizes []int, trials [][]dir.Trial, err error) {
	if err := table.Check(f.format); err != nil {
		return nil, nil, err
	}
	seeds, err := parseSeeds("--seeds", f.seeds)
	if err != nil {
		return nil, nil, err
	}
	if f.lookups < 1 {
		return nil, nil, fmt.Errorf("--lookups %d: accepted are 1 and more", f.lookups)
	}
	for _, text := range f.members {
		for part := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(part)
			if err != nil || n < 2 || n > maxDHT {
				return nil, nil, fmt.Errorf("--members %s: %q is not a number of members; accepted are 2 to %d", text, part, maxDHT)
			}
			sizes = append(sizes, n)
			var list []dir.Trial
			for _, s := range seeds {
				list = append(list, dir.Trial{Members: n, K: f.k, Alpha: f.alpha, Lookups: f.lookups, Seed: s, Loss: f.loss})
			}
			trials = append(trials, list)
		}
	}
	return sizes, trials, nil
}

// maxDHT bounds the members of a layer that is measured in memory.
const maxDHT = 20_000

func newDHTHops() *cobra.Command {
	var f dhtFlags
	cmd := &cobra.Command{
		Use:   "hops",
		Short: "Measure how many hops a lookup takes",
		Long: `Measure the hops of lookups with random identifiers:

  greedy    from a random member to a random one, itself among them, when all
            buckets that can be are full and each hop goes to the contact closest
            to it: the measure of published figures; (log2 members)/2 with k = 1
  node      successive requests of real lookups for another member, in a layer
            whose members have joined one after the other
  value     the same of queries for a name, until a member has the value
  requests  all requests of such a query

Figures are means over the seeds with their 95 % confidence intervals (Student's
t). With one seed there is no interval.`,
		Example: examples("osim dht hops --members 64,256,1024\nosim dht hops --k 1 --members 256 --format csv"),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sizes, trials, err := f.trials()
			if err != nil {
				return badInput(err)
			}
			t := table.Table{Heads: []string{"members", "k", "seeds", "greedy", "node", "value", "requests", "not_found"}, Right: rightAll(8)}
			for i, list := range trials {
				var greedy, node, value, requests []float64
				lost := 0
				for _, trial := range list {
					r, err := dir.Hops(trial)
					if err != nil {
						return badInput(err)
					}
					greedy, node = append(greedy, r.Greedy.Value), append(node, r.Node.Value)
					value, requests = append(value, r.Value.Value), append(requests, r.Requests.Value)
					lost += r.NotFound
				}
				t.Add(strconv.Itoa(sizes[i]), strconv.Itoa(f.k), strconv.Itoa(len(list)), spread(greedy, 3), spread(node, 3),
					spread(value, 3), spread(requests, 2), strconv.Itoa(lost))
			}
			return internal(t.Write(cmd.OutOrStdout(), f.format))
		},
	}
	f.add(cmd, "64,256", "1..5")
	return cmd
}

func newDHTChurn() *cobra.Command {
	var f dhtFlags
	var fail, join float64
	cmd := &cobra.Command{
		Use:   "churn",
		Short: "Measure lookups while members fail and join",
		Long: `Let a share of the members fall silent at one instant and others join, and ask
from then on for names of the survivors:

  found    share of queries that were answered with an address that is alive
  median   time until the answer, of those found; p99, longest likewise
  later    found, ten minutes later

Figures are means over the seeds with their 95 % confidence intervals.`,
		Example: examples("osim dht churn --members 300 --fail 0.3 --join 0.1"),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sizes, trials, err := f.trials()
			if err != nil {
				return badInput(err)
			}
			t := table.Table{
				Heads: []string{"members", "fail", "join", "seeds", "queries", "found", "median_ms", "p99_ms", "longest_ms", "later"}, Right: rightAll(10),
			}
			for i, list := range trials {
				var found, median, p99, longest, later []float64
				queries := 0
				for _, trial := range list {
					r, err := dir.Churn(trial, fail, join)
					if err != nil {
						return badInput(err)
					}
					found, later = append(found, r.Found), append(later, r.Later)
					median, p99, longest = append(median, ms(r.Median)), append(p99, ms(r.P99)), append(longest, ms(r.Longest))
					queries += r.Queries
				}
				t.Add(strconv.Itoa(sizes[i]), fmt.Sprint(fail), fmt.Sprint(join), strconv.Itoa(len(list)), strconv.Itoa(queries), spread(found, 4),
					spread(median, 1), spread(p99, 1), spread(longest, 1), spread(later, 4))
			}
			return internal(t.Write(cmd.OutOrStdout(), f.format))
		},
	}
	f.add(cmd, "300", "1..3")
	cmd.Flags().Float64Var(&fail, "fail", 0.3, "share of the members that fall silent, from 0 to below 1")
	cmd.Flags().Float64Var(&join, "join", 0.1, "share of the members that join, 0 to 1")
	return cmd
}

func rightAll(n int) []bool {
	out := make([]bool, n)
	for i := range out {
		out[i] = true
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// spread writes the mean of values with its 95 % confidence interval; without one where the values cannot
// tell.
func spread(values []float64, digits int) string {
	mean, half := report.Interval(values)
	text := strconv.FormatFloat(mean, 'f', digits, 64)
	if math.IsNaN(half) {
		return text
	}
	return text + " ± " + strconv.FormatFloat(half, 'f', digits, 64)
}
