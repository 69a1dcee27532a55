#!/usr/bin/env bash
# Runs the fault campaign and writes its figures into docs/campaign.md (make soak).
#
#   docs/campaign.sh [SEEDS]   seeds are 1..1000 by default
#
# They stand between the lines "<!-- campaign -->" and "<!-- end -->". Violations are in the output, and leave the
# page as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

GO=${GO:-go}
seeds=${1:-1..1000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CGO_ENABLED=0 "$GO" build -o "$work/osim" ./cmd/osim
"$work/osim" soak --seeds "$seeds" --format markdown >"$work/figures" || { cat "$work/figures" >&2; exit 1; }
awk -v figures="$work/figures" '
	/^<!-- campaign -->$/ { print; print ""; while ((getline line < figures) > 0) print line; print ""; skip = 1; next }
	/^<!-- end -->$/ { skip = 0 }
	!skip' docs/campaign.md >"$work/page"
cat "$work/page" >docs/campaign.md
