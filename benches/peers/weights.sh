#!/bin/sh
# Weight generation beside CDO: the two in turn, medians of RUNS (default 5) whole processes on one thread.
#   benches/peers/weights.sh [KNARR] [PATTERN]   only the pairs whose line matches PATTERN, e.g. '^bilinear'
#   FILES=1 benches/peers/weights.sh ...         knarr reads the files that CDO reads instead of taking names
# Needs cdo and python3. Grids go to CDO as the SCRIP files that knarr writes, lat-lon grids by their common name.
# CDO has no bilinear method for unstructured sources, so there are no such pairs.
# Whole processes: start, grids, weights, and the weights file in SCRIP layout, in user and system time. "Weights alone"
# are the wall seconds that both programs tell with -v for the making of weights, of knarr with areas and content hashes,
# without grids and files; CDO tells hundredths.
set -eu

knarr=${1:-target/release/knarr}
pattern=${2:-.}
runs=${RUNS:-5}
here=$(cd "$(dirname "$0")" && pwd)
data=$(cd "$here/../../datasets" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# method, operator of CDO, source, destination; files of datasets/ as FILE:VARIABLE.
pairs='
conservative gencon r1440x720 CS360
conservative gencon r1440x720 r360x180
conservative gencon CS90 r360x180
conservative gencon H256 r360x180
conservative gencon r360x180 H256
conservative gencon orca2_votemper.nc:votemper r360x180
conservative gencon CS360 ICO120
conservative gencon nemo_eorca1_tos_201501.nc:tos H256
conservative gencon r3200x1600 H512
bilinear genbil r1440x720 CS360
bilinear genbil r360x180 H256
bilinear genbil orca2_votemper.nc:votemper r360x180
bilinear genbil r3200x1600 H512
nearest gennn r1440x720 CS360
nearest gennn CS90 r360x180
nearest gennn H256 r360x180
nearest gennn r360x180 H256
nearest gennn orca2_votemper.nc:votemper r360x180
nearest gennn CS90 ICO30
nearest gennn CS360 ICO120
nearest gennn r3200x1600 H512
'

# What a command took goes to a file (see timed.py), what it says to another.
timed() {
  # Neither program waits for what was written before it.
  sync
  python3 "$here/timed.py" "$@" >"$work/said" 2>&1
}

median() {
  cut -d' ' -f"$2" "$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

knarr_grid() {
  case $1 in
    *.nc:*) echo "$data/$1" ;;
    *) echo "$1" ;;
  esac
}

# What CDO takes for a grid: lat-lon by name, everything else as a SCRIP file.
cdo_grid() {
  case $1 in
    r*x*) echo "$1" ;;
    *)
      file="$work/$(echo "$1" | tr -c 'A-Za-z0-9\n' _).nc"
      [ -f "$file" ] || "$knarr" grid "$(knarr_grid "$1")" -o "$file" --format scrip -q >/dev/null
      echo "$file"
      ;;
  esac
}

compare() {
  method=$1 operator=$2 source=$3 destination=$4
  to=$(cdo_grid "$destination")
  from=$(cdo_grid "$source")
  if [ -n "${FILES:-}" ]; then
    our_to=$to our_from=$from
  else
    our_to=$(knarr_grid "$destination") our_from=$(knarr_grid "$source")
  fi
  rm -f "$work/ours" "$work/theirs" "$work/ours.alone" "$work/theirs.alone"
  i=0
  while [ "$i" -lt "$runs" ]; do
    timed "$work/theirs" cdo -v -O -P 1 "$operator,$to" "-const,1,$from" "$work/cdo.nc" || {
      echo "| $method | $source -> $destination | cdo failed |"
      return
    }
    sed -n 's/.*: \([0-9.]*\) seconds.*/\1/p' "$work/said" | awk '{ s += $1 } END { print s }' >>"$work/theirs.alone"
    timed "$work/ours" "$knarr" weights "$our_from" "$our_to" \
      -o "$work/knarr.nc" --format scrip --method "$method" --threads 1 --force -v
    sed -n 's/.*weights made in \([0-9.]*\) s.*/\1/p' "$work/said" >>"$work/ours.alone"
    i=$((i + 1))
  done
  links=$("$knarr" weights "$our_from" "$our_to" -o "$work/knarr.nc" --method "$method" \
    --force -q --json | sed -n 's/.*"links": *\([0-9]*\).*/\1/p')
  awk -v m="$method" -v p="${source%%_*} -> $destination" -v n="$links" \
    -v a="$(median "$work/ours" 2)" -v b="$(median "$work/theirs" 2)" \
    -v c="$(median "$work/ours" 3)" -v d="$(median "$work/theirs" 3)" \
    -v e="$(median "$work/ours.alone" 1)" -v f="$(median "$work/theirs.alone" 1)" 'BEGIN {
      alone = f > 0 ? sprintf("**%.1f**", f / e) : "–"
      printf "| %s | %s | %d | %.1f | %.1f | **%.1f** | %.1f | %.0f | %s | %.3f | %.0f | %.0f | %.2f |\n",
        m, p, n, 1e3 * a, 1e3 * b, b / a, 1e3 * e, 1e3 * f, alone, 1e6 * e / n, c / 1024, d / 1024, c / d }'
}

echo "| method | pair | links | knarr ms | cdo ms | cdo / knarr | alone: knarr ms | cdo ms | cdo / knarr | knarr µs per link | knarr MB | cdo MB | knarr / cdo |"
echo "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
echo "$pairs" | grep . | grep -e "$pattern" | while read -r method operator source destination; do
  compare "$method" "$operator" "$source" "$destination"
done
