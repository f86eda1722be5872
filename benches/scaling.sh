#!/bin/sh
# Weight generation by size and threads: wall seconds for the making of weights alone, best of RUNS (default 5).
#   benches/scaling.sh [KNARR]
set -eu

knarr=${1:-target/release/knarr}
runs=${RUNS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Best seconds and the number of links of a pair on some threads.
best() {
  i=0
  : >"$work/seconds"
  while [ "$i" -lt "$runs" ]; do
    "$knarr" weights "$1" "$2" -o "$work/map.nc" --method "$3" --threads "$4" --force -v >"$work/said" 2>&1
    sed -n 's/.*weights made in \([0-9.]*\) s.*/\1/p' "$work/said" >>"$work/seconds"
    i=$((i + 1))
  done
  seconds=$(sort -n "$work/seconds" | head -1)
  links=$(sed -n 's/.*: \([0-9]*\) links from.*/\1/p' "$work/said")
}

# A row of a table: µs per link of pairs FROM:TO on one thread.
per_link() {
  line=""
  for pair in $1; do
    best "${pair%:*}" "${pair#*:}" conservative 1
    line="$line $(awk -v s="$seconds" -v n="$links" 'BEGIN { printf "%.3f", s / n * 1e6 }')"
  done
  echo "| $2 |$line |"
}

echo "| sizes a factor 4 apart, 1 thread | µs per link |"
echo "|---|---|"
# Both grids grow: the number of links grows as much as that of cells.
per_link 'CS90:r360x180 CS180:r720x360 CS360:r1440x720 CS720:r2880x1440' 'CS90 -> r360x180 ... CS720 -> r2880x1440'
per_link 'CS90:ICO30 CS180:ICO60 CS360:ICO120 CS720:ICO240' 'CS90 -> ICO30 ... CS720 -> ICO240'
per_link 'O80:H64n O160:H128n O320:H256n O640:H512n' 'O80 -> H64n ... O640 -> H512n'
# The source alone: ever more of its cells have one link.
for series in 'r360x180 CS45 CS90 CS180 CS360' 'ICO60 CS45 CS90 CS180 CS360' 'H64n O80 O160 O320 O640'; do
  # shellcheck disable=SC2086
  set -- $series
  to=$1
  shift
  pairs=""
  for source in "$@"; do
    pairs="$pairs $source:$to"
  done
  per_link "$pairs" "$* -> $to"
done

echo
echo "| pair | method | 1 thread s | 2 threads s | gain |"
echo "|---|---|---|---|---|"
for pair in 'r1440x720 CS360' 'H256 r360x180' 'CS360 ICO120' 'O640 H256n'; do
  for method in conservative bilinear nearest; do
    # shellcheck disable=SC2086
    set -- $pair
    best "$1" "$2" "$method" 1
    one=$seconds
    best "$1" "$2" "$method" 2
    echo "| $1 -> $2 | $method | $one | $seconds | $(awk -v a="$one" -v b="$seconds" 'BEGIN { printf "%.2f", a / b }') |"
  done
done
