#!/usr/bin/env bash
# Remakes the tables of docs/results.md from runs of osim.
#
#   docs/results.sh NAME     prints one table: alone, together, bins, sensitivity, leaving,
#                           greedy, congestion, multi-bottleneck, coverage, regular, ecmp,
#                           outage, ageing, hops, tree, churn, queueing, lossy, frames,
#                           control, levels, first-byte
#   docs/results.sh --write  replaces all of them in docs/results.md and docs/frcp.md (make results); with
#                           names behind it those alone
#
# A table stands between the lines "<!-- table NAME -->" and "<!-- end -->". All numbers come from the CSV
# form of the reports, or from tables that osim prints as Markdown. osim exits with 1 when an expectation is not met, which is no error here.
set -euo pipefail
cd "$(dirname "$0")/.."

GO=${GO:-go}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CGO_ENABLED=0 "$GO" build -o "$work/osim" ./cmd/osim

# csv ARGUMENTS runs osim and prints the report as CSV.
csv() { "$work/osim" run -q --format csv "$@" 2>"$work/stderr" || [ $? -eq 1 ] || { cat "$work/stderr" >&2; return 3; }; }

# table PROGRAM runs an awk program over a report. at("x") is the field of the column x in the current row;
# section is the name of the current table. No field that is read here has a comma in it.
table() {
	awk -F, '
		function at(name) { return $(col[name]) }
		/^# / { section = substr($0, 3); head = 1; next }
		head  { split("", col); for (i = 1; i <= NF; i++) col[$i] = i; head = 0; next }
		/^$/  { next }
		'"$1"
}

# markdown ARGUMENTS runs osim and prints the first table of its Markdown output.
markdown() {
	"$work/osim" "$@" --format markdown >"$work/markdown" 2>"$work/stderr" || [ $? -eq 1 ] || { cat "$work/stderr" >&2; return 3; }
	awk '/^\|/ { print; seen = 1; next } seen { exit }' "$work/markdown"
}

mb_ecn() { csv mb-ecn "$@"; }

alone() {
	echo "| seed | offered Mb/s | goodput Mb/s | lost | largest delay ms |"
	echo "|---|---|---|---|---|"
	mb_ecn | table 'section == "flows" && at("workload") == "alone" {
		printf "| %s | %.2f | %.2f | %s | %.2f |\n", at("seed"), at("offered_bps") / 1e6, at("goodput_bps") / 1e6,
			at("lost_packets"), at("delay_max_s") * 1e3
	}'
}

together() {
	echo "| seed | client1 Mb/s | client2 Mb/s | sum Mb/s | Jain index, 30 s | lost, client1 % | lost, client2 % |"
	echo "|---|---|---|---|---|---|---|"
	mb_ecn | table '
		section == "flows" && at("workload") == "together" {
			g[at("seed"), at("from")] = at("goodput_bps") / 1e6
			l[at("seed"), at("from")] = at("loss_ratio") * 100
		}
		section == "fairness" && at("group") == "together" {
			s = at("seed"); a = g[s, "client1"]; b = g[s, "client2"]
			printf "| %s | %.1f | %.1f | %.1f | %.4f | %.1f | %.1f |\n", s, a, b, a + b, at("jain"), l[s, "client1"], l[s, "client2"]
		}'
}

# The bins of 101 ms lie between 30 s and 57 s, when both flows have run for 3 s.
bins() {
	echo "| seed | bins | both within 42–45.5 Mb/s | Jain ≥ 0.998 | median Jain | p10 to p90 of a rate, Mb/s |"
	echo "|---|---|---|---|---|---|"
	mb_ecn | table '
		section == "series" && at("series") ~ /^flow\.together\/.*\.goodput$/ && at("t_s") > 30 && at("t_s") < 57 {
			s = at("seed"); t = at("t_s"); v = at("value") / 1e6
			if (!((s, t) in first)) { first[s, t] = v; next }
			a = first[s, t]
			both = a * a + v * v
			jain = 1
			if (both > 0) jain = (a + v) ^ 2 / (2 * both)
			printf "%s %.9f %.9f %.6f\n", s, a, v, jain
		}' >"$work/bins"
	local seed
	for seed in $(cut -d' ' -f1 "$work/bins" | sort -nu); do
		awk -v s="$seed" '$1 == s { print $4 }' "$work/bins" | sort -n >"$work/jain"
		awk -v s="$seed" '$1 == s { print $2; print $3 }' "$work/bins" | sort -n >"$work/rate"
		awk -v s="$seed" '
			FILENAME ~ /jain$/ { j[++n] = $1; fair += $1 >= 0.998; next }
			FILENAME ~ /rate$/ { r[++m] = $1; next }
			$1 == s { inside += $2 >= 42 && $2 <= 45.5 && $3 >= 42 && $3 <= 45.5 }
			END {
				printf "| %s | %d | %d | %d | %.3f | %.0f to %.0f |\n", s, n, inside, fair, j[int((n + 1) / 2)],
					r[int(m / 10) + 1], r[int(9 * m / 10) + 1]
			}' "$work/jain" "$work/rate" "$work/bins"
	done
}

# row CELLS ARGUMENTS prints a row of the sensitivity table: seed 1 with these arguments.
row() {
	local cells=$1
	shift
	mb_ecn --seed 1 "$@" | table '
		section == "flows" {
			k = at("workload") == "alone" ? "alone" : at("from")
			g[k] = at("goodput_bps") / 1e6; sent[k] = at("sent_packets"); lost[k] = at("lost_packets")
		}
		section == "fairness" && at("group") == "together" { jain = at("jain") }
		END {
			a = "client1"; b = "client2"
			printf "| '"$cells"' | %.1f | %.1f | %.1f | %.1f | %.4f | %.1f |\n", g["alone"], g[a], g[b], g[a] + g[b], jain,
				100 * (lost[a] + lost[b]) / (sent[a] + sent[b])
		}'
}

# One seed each: the table shows what matters, not how exactly. The queue of a link has no other places than
# the hidden ones, and at least one; what waits before it is counted.
sensitivity() {
	echo "| increment B | hidden packets | alone Mb/s | client1 Mb/s | client2 Mb/s | sum Mb/s | Jain index, 30 s | lost together % |"
	echo "|---|---|---|---|---|---|---|---|"
	local d i
	for i in 65536 16384 4096 1180; do
		for d in 0 16 24 32 64 92 128; do
			row "$i | $d" --set "topology.defaults.queue.packets=$((d > 0 ? d : 1))" --set "topology.defaults.queue.device=$d" \
				--set "layers.net.policies.congestion.params.increment=$i"
		done
	done
}

# Rates on the wire are 1033/1000 of the goodput. Published: 91 to 92 Mb/s for 1 to 2 s, then 82 Mb/s again.
leaving() {
	echo "| flow 1 after | mean of the first second, Mb/s on the wire | then back at 82.6 Mb/s after s | largest bin Mb/s |"
	echo "|---|---|---|---|"
	csv mb-ecn-staggered | table '
		section == "series" && at("series") ~ /^flow\.flow1\/.*\.goodput$/ { t[++n] = at("t_s"); v[n] = at("value") * 1.033 / 1e6 }
		function after(name, from, to,    i, sum, k, last, top) {
			for (i = 1; i <= n; i++) {
				if (t[i] - 0.101 < from || t[i] > to) continue
				if (t[i] <= from + 1.05) { sum += v[i]; k++ }
				if (v[i] > top) top = v[i]
				if (v[i] < 82.2 || v[i] > 83.1) last = t[i]
			}
			printf "| %s leaves at %g s | %.1f | %.1f | %.1f |\n", name, from, sum / k, last - from, top
		}
		END { after("flow 2", 24, 28); after("flow 3", 58, 62) }'
}

lossy() {
	echo "| flow | seed | sent | lost | duplicates | out of order | retransmissions |"
	echo "|---|---|---|---|---|---|---|"
	csv lossy-link | table 'section == "flows" && at("from") == "a" {
		r = at("retransmissions")
		printf "| %s | %s | %s | %s | %s | %s | %s |\n", at("workload"), at("seed"), at("sent_packets"), at("lost_packets"),
			at("duplicate_packets"), at("reordered_packets"), r == "" ? "–" : r
	}'
}

greedy() {
	echo "| seed | flow | goodput Mb/s | lost % | median delay ms |"
	echo "|---|---|---|---|---|"
	csv mb-ecn-greedy | table 'section == "flows" {
		printf "| %s | %s, %s | %.1f | %.1f | %.0f |\n", at("seed"), at("workload"), at("from"), at("goodput_bps") / 1e6,
			at("loss_ratio") * 100, at("delay_p50_s") * 1e3
	}'
}

# What each policy makes of the same flows; paired by seed with mb-ecn.
congestion() {
	markdown compare congestion --vary "layers.net.policies.congestion.name=mb-ecn,none,mb-ecn-blog,aimd,dctcp,lgc" --seeds 1..5 -q \
		--metric 'goodput.sum of two' --metric 'goodput.jain of two' --metric 'goodput.jain of rtt' --metric 'goodput.min of comes' \
		--metric 'goodput.min of stays' --metric 'delay.p50 of probe' --metric 'delay.p99 of probe' --metric 'loss of probe'
}

multi-bottleneck() {
	markdown compare multi-bottleneck --vary "layers.net.policies.congestion.name=dctcp,aimd,lgc,mb-ecn" --seeds 1..3 -q \
		--metric 'goodput.mean of s[123]' --metric 'goodput.jain of s[123]' --metric loss
}

coverage() { markdown coverage; }

regular() {
	markdown coverage ring:nodes=4 ring:nodes=5 ring:nodes=8 ring:nodes=9 ring:nodes=16 ring:nodes=17 mesh:nodes=8 star:leaves=8 line:nodes=8
}

# The share of the packets that left a for c by each of its two links.
ecmp() {
	echo "| seed | flows by b | flows by d | share by b | expected |"
	echo "|---|---|---|---|---|"
	csv ecmp-ring --seed 1..5 | table 'section == "links" && at("from") == "a" { n[at("seed"), at("to")] = at("utilisation_ratio") }
		section == "flows" { flows[at("seed")]++ }
		END {
			for (s = 1; s <= 5; s++) {
				share = n[s, "b"] / (n[s, "b"] + n[s, "d"])
				printf "| %d | %.0f | %.0f | %.3f | 0.5 ± %.3f |\n", s, share * flows[s], (1 - share) * flows[s], share, sqrt(0.25 / flows[s])
			}
		}'
}

# Outages of the flows over the failed link with and without alternates.
outage() {
	markdown compare abilene-lfa --vary "layers.net.policies.forwarding.name=lfa,simple" --seeds 1..10 -q \
		--metric 'outage.*' --metric 'outage.*.mean' --metric 'convergence.*'
}

hops() { markdown dht hops --members 64,256,1024 --seeds 1..5; }

tree() { markdown dht hops --members 64,256,1024 --seeds 1..5 --k 1 --lookups 300; }

churn() { markdown dht churn --members 100,300 --fail 0.3 --join 0.1 --seeds 1..3; }

control() {
	markdown compare bring-up --vary topology.params.nodes=16,32,64,128 --seeds 1..3 -q --metric up --metric joined --metric 'control.bytes.member*'
}

# What a level costs in scenario recursion: to a packet of 64 bytes, and to get a flow. "More" is over a ping of the
# same size between the same nodes in the layer below.
levels() {
	echo "| ping in layer | between | header of the layer B | flow after ms | smallest round trip ms | more than below µs | up after ms | packets of users | packets below |"
	echo "|---|---|---|---|---|---|---|---|---|"
	csv recursion --seed 1 | table 'section == "load" {
			up[at("layer")] = at("up_s"); p[at("layer")] = at("packets"); b[at("layer")] = at("hop_packets")
		}
		section == "flows" { who[at("workload")] = at("from") " and " at("to") }
		section == "levels" && at("rtt_min_s") != "" {
			n++; l[n] = at("layer"); w[n] = at("workload"); h[n] = at("header_bytes"); ask[n] = at("allocation_mean_s")
			rtt[n] = at("rtt_min_s"); more[n] = at("rtt_extra_s") == "" ? "–" : sprintf("%.3f", at("rtt_extra_s") * 1e6)
		}
		END {
			for (i = 1; i <= n; i++)
				printf "| %s | %s | %s | %.3f | %.5f | %s | %.1f | %s | %s |\n", l[i], who[w[i]], h[i], ask[i] * 1e3, rtt[i] * 1e3, more[i], up[l[i]] * 1e3, p[l[i]], b[l[i]]
		}'
}

# The test prints its table with -v.
queueing() {
	echo "| queue | load | quantity | theory | measured | 99.9 % confidence |"
	echo "|---|---|---|---|---|---|"
	"$GO" test ./sim -run '^TestQueueingTheory$' -count=1 -v >"$work/queueing" || { cat "$work/queueing" >&2; return 3; }
	awk '$1 ~ /^M\/[MD]\/1$/ {
		what = $3
		for (i = 4; i <= NF - 4; i++) what = what " " $i
		printf "| %s | %s | %s | %s | %s | ± %s |\n", $1, $2, what, $(NF - 3), $(NF - 2), $NF
	}' "$work/queueing"
}

# Without withdrawals a failed link is forgotten by age: the run is longer, and the link stays down.
ageing() {
	echo "| withdrawals | flows interrupted | not ended | shortest outage s | mean s | longest s |"
	echo "|---|---|---|---|---|---|"
	local w
	for w in on off; do
		csv abilene --seed 1 --duration 120s --set faults.cut.down=forever --set workload.reliable.stop=110s --set workload.raw.stop=110s \
			--set "layers.net.policies.routing.params.withdraw=$w" | table '
		function s(v) { return v == "" ? "–" : sprintf("%.3f", v) }
		section == "convergence" {
			printf "| '"$w"' | %s | %s | %s | %s | %s |\n", at("flows_interrupted"), at("flows_not_ended"), s(at("outage_min_s")),
				s(at("outage_mean_s")), s(at("outage_max_s"))
		}'
	done
}

# The smallest delay of a 64-byte ping minus the propagation of 1 ms, at 100 Mb/s, is the length of its frame.
frames() {
	echo "| flow | smallest delay ms | frame B |"
	echo "|---|---|---|"
	csv lossy-link --seed 1 | table 'section == "flows" && at("from") == "a" && at("workload") != "stream" {
		d = at("delay_min_s"); printf "| %s | %.5f | %.0f |\n", at("workload"), d * 1e3, (d - 1e-3) * 100e6 / 8
	}'
}

# The time from asking for a flow to its first byte, in round trips, over the flows of all seeds.
first-byte() {
	echo "| flow | cipher | name | flows | smallest RTT | mean RTT | largest RTT |"
	echo "|---|---|---|---|---|---|---|"
	csv first-byte | table '
		section == "flows" && at("first_byte_s") != "" {
			w = at("workload"); x = at("first_byte_s") / at("path_rtt_s")
			if (!(w in n)) { order[++k] = w; lo[w] = x; hi[w] = x }
			n[w]++; sum[w] += x; how[w] = at("layer"); cipher[w] = at("cipher")
			if (x < lo[w]) lo[w] = x
			if (x > hi[w]) hi[w] = x
		}
		END {
			for (i = 1; i <= k; i++) {
				w = order[i]
				printf "| %s | %s | %s | %d | %.3f | %.3f | %.3f |\n", w, cipher[w] == "" ? "in clear" : cipher[w],
					how[w] == "dht" ? "looked up" : "known", n[w], lo[w], sum[w] / n[w], hi[w]
			}
		}'
}

# Loss recovery against one round trip for each loss, over round trip and loss; means over the seeds.
recovery() {
	echo "| RTT ms | loss % | goodput Mb/s: prototype | rack | ideal | p99 delay ms: prototype | rack | ideal |"
	echo "|---|---|---|---|---|---|---|---|"
	for rtt in 1 10 50 200; do
		for loss in 0.001 0.01 0.03 0.1; do
			for recovery in prototype rack; do
				csv lossy-link --set "frcp.recovery=$recovery" --set "faults.lossy.set.loss=$loss" --set "links.long.delay=$((rtt * 500))us"
				echo
			done | table '
				section == "flows" { recovery = at("parameters") ~ /prototype/ ? "prototype" : "rack" }
				section == "theory" && at("metric") ~ /goodput|p99/ {
					m = at("metric"); n[m, recovery]++; sum[m, recovery] += at("measured"); ideal[m] = at("expected")
				}
				function mean(m, r) { return n[m, r] ? sum[m, r] / n[m, r] : 0 }
				END {
					printf "| %d | %s | %.1f | %.1f | %.1f | %.0f | %.1f | %.1f |\n", '"$rtt"', 100 * '"$loss"',
						mean("goodput", "prototype") / 1e6, mean("goodput", "rack") / 1e6, ideal["goodput"] / 1e6,
						mean("delay.p99", "prototype") * 1e3, mean("delay.p99", "rack") * 1e3, ideal["delay.p99"] * 1e3
				}'
		done
	done
}

# What received ranges and windows are worth on the lossy links, over 50 ms; paired by seed with the defaults.
parts() {
	markdown compare lossy-link --set links.long.delay=25ms --vary "frcp={},{ranges: false},{window: 256},{window: 1024},{pacing: off}" -q --seeds 1..5 \
		--metric 'goodput.sum of transfer' --metric 'delay.p99 of messages' --metric 'retransmissions of transfer'
}

# The queue of the layer at the sources.
pacing() {
	markdown compare pacing --vary frcp.pacing=off,rate --vary "layers.net.policies.congestion.name=dctcp,aimd,lgc,mb-ecn" --seeds 1..3 -q \
		--metric goodput.sum --metric delay.mean --metric queue.source.mean
}

tables=(
	alone together bins sensitivity leaving greedy congestion multi-bottleneck coverage regular ecmp outage ageing hops tree churn
	queueing lossy frames control levels first-byte recovery parts pacing
)

case ${1:-} in
--write)
	pages=(docs/results.md docs/frcp.md)
	[ $# -eq 1 ] || tables=("${@:2}")
	for name in "${tables[@]}"; do
		grep -qxh "<!-- table $name -->" "${pages[@]}" || { echo "no page has a table $name" >&2; exit 1; }
		"$name" >"$work/$name.table"
	done
	for page in "${pages[@]}"; do
		awk -v dir="$work" -v made=" ${tables[*]} " '
		/^<!-- table / && index(made, " " $3 " ") { print; print ""; file = dir "/" $3 ".table"; while ((getline line < file) > 0) print line; close(file); skip = 1; next }
		/^<!-- end -->$/ { if (skip) print ""; skip = 0 }
		!skip' "$page" >"$work/page"
		cat "$work/page" >"$page"
	done
	;;
*)
	for name in "${tables[@]}"; do
		if [ "$name" = "${1:-}" ]; then
			"$name"
			exit
		fi
	done
	echo "usage: $0 --write | ${tables[*]}" >&2
	exit 2
	;;
esac
