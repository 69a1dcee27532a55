#!/usr/bin/env bash
# Remakes the tables of docs/sim-vs-real.md: the same scenarios in the simulator and with a process for each node.
#
#   docs/sim-vs-real.sh NAME     prints one table: two-hosts, mb-ecn, link-failure, machine
#   docs/sim-vs-real.sh --write  replaces all of them (make sim-vs-real); with names behind it those alone
#   docs/sim-vs-real.sh --check  lists the gaps over 10 % that the text below the tables does not explain
#
# It needs root, and some six minutes. A table stands between the lines "<!-- table NAME -->" and "<!-- end -->".
set -euo pipefail
cd "$(dirname "$0")/.."

GO=${GO:-go}
SEEDS=${SEEDS:-1,2,3}
page=docs/sim-vs-real.md
names=(machine two-hosts mb-ecn link-failure)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() { [ -x "$work/osim" ] || CGO_ENABLED=0 "$GO" build -o "$work/osim" ./cmd/osim; }

# gaps SCENARIO METRIC... compares both worlds; a metric is "NAME" or "NAME of PART".
gaps() {
	local scenario=$1 flags=()
	shift
	for m in "$@"; do flags+=(--metric "$m"); done
	build
	"$work/osim" compare "$scenario" --vary mode=sim,emulate --seeds "$SEEDS" -q --format csv "${flags[@]}" >"$work/csv"
	echo "| metric | simulated | emulated | smallest, largest | gap |"
	echo "|---|---|---|---|---|"
	awk -F, '
		function show(v, u) {
			if (v == "") return "–"
			if (u == "s") return sprintf("%.4g ms", v * 1e3)
			if (u == "bit/s") return sprintf("%.5g Mb/s", v / 1e6)
			if (u == "ratio") return sprintf("%.4g %%", v * 100)
			return sprintf("%.5g%s", v, u == "" ? "" : " " u)
		}
		/^# / { section = substr($0, 3); head = 1; next }
		head  { split("", col); for (i = 1; i <= NF; i++) col[$i] = i; head = 0; next }
		/^$/ || section != "comparison" { next }
		{ u = $(col["unit"]); m = $(col["metric"]) }
		$(col["mode"]) == "sim" { sim = $(col["mean"]); next }
		{
			gap = "–"
			r = $(col["difference_ratio"])
			if (r != "") gap = sprintf("%+.1f %%", r * 100)
			if (r != "" && (r > 0.1 || r < -0.1)) gap = "**" gap "**"
			name = m ~ /goodput.jain/ ? "" : u
			printf "| `%s` | %s | %s | %s, %s | %s |\n", m, show(sim, name), show($(col["mean"]), name), show($(col["min"]), name), show($(col["max"]), name), gap
		}' "$work/csv"
}

machine() {
	build
	echo "| what | |"
	echo "|---|---|"
	echo "| processor | $(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores |"
	echo "| kernel | $(uname -sr) |"
	echo "| load before (1, 5, 15 minutes) | $(cut -d' ' -f1-3 /proc/loadavg) |"
	"$work/osim" run two-hosts --mode emulate --seed 1 -q 2>&1 | awk '/1 of 100 timers/ { sub(/^ *- /, ""); print "| two-hosts | " $0 " |" }'
	"$work/osim" run mb-ecn --mode emulate --seed 1 -q 2>&1 | awk '/1 of 100 timers/ { sub(/^ *- /, ""); print "| mb-ecn | " $0 " |" }'
}

two_hosts() {
	gaps two-hosts 'goodput.sum of cbr' 'goodput.sum of ping' 'delay.min of cbr' 'delay.mean of cbr' 'delay.p50 of cbr' 'delay.p99 of cbr' \
		'rtt.min of ping' 'rtt.mean of ping' 'rtt.p50 of ping' 'rtt.p99 of ping' loss 'utilisation.max of a-b' 'queue.max of a-b' drops
}

mb_ecn() {
	gaps mb-ecn 'goodput.mean of alone' 'delay.mean of alone' 'delay.p50 of alone' 'delay.p99 of alone' 'goodput.sum of together' 'goodput.min of together' \
		'goodput.max of together' 'goodput.jain of together' 'loss of together' 'delay.mean of together' 'delay.p50 of together' 'delay.p99 of together' \
		'utilisation.max of router-server' 'queue.mean of router-server' 'queue.ipcp.busiest of net' 'queue.ipcp.max of net' 'control.packets of net'
}

link_failure() {
	gaps link-failure 'goodput.sum' 'loss of probe' 'lost of file' 'retransmissions of file' 'delay.min of probe' 'delay.mean of probe' 'delay.p99 of probe' \
		'rtt.min of ask' 'rtt.mean of ask' 'rtt.p99 of ask' 'outage.flows of cut' 'outage.min of cut' 'outage.mean of cut' 'outage.max of cut' \
		'convergence.detection of cut' 'convergence.total of cut' 'convergence.total of cut repaired' 'control.packets of net' up
}

print() {
	case $1 in
	machine) machine ;;
	two-hosts) two_hosts ;;
	mb-ecn) mb_ecn ;;
	link-failure) link_failure ;;
	*) echo "no table $1; accepted are ${names[*]}" >&2 && return 2 ;;
	esac
}

# replace NAME puts the table in the file of this name in its place.
replace() {
	awk -v name="$1" -v file="$work/table" '
		$0 == "<!-- table " name " -->" { print; while ((getline line < file) > 0) print line; skip = 1; next }
		$0 == "<!-- end -->" { skip = 0 }
		!skip' "$page" >"$work/page"
	cat "$work/page" >"$page"
}

case ${1:-} in
--write)
	shift
	[ $# -gt 0 ] || set -- "${names[@]}"
	for n in "$@"; do
		print "$n" >"$work/table"
		replace "$n"
	done
	"$0" --check
	;;
--check)
	awk '
		/^<!-- table / { table = $3; next }
		/^<!-- end/ { table = ""; next }
		table != "" && /\*\*/ { split($0, f, "`"); gap[table, f[2]] = 1; next }
		/^## / { part = $2 }
		table == "" { line = $0; while (match(line, /`[^`]*`/)) { said[part, substr(line, RSTART + 1, RLENGTH - 2)] = 1; line = substr(line, RSTART + RLENGTH) } }
		END {
			for (k in gap) if (!(k in said)) { split(k, x, SUBSEP); print x[1] ": `" x[2] "` differs by more than 10 % and is not explained"; bad = 1 }
			exit bad
		}' "$page"
	;;
"") sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 2 ;;
*) print "$1" ;;
esac
