#!/bin/sh
# Regridding a file beside CDO, each with its own weights at hand: whole processes in turn, medians of RUNS.
#   benches/peers/end_to_end.sh [KNARR [INPUT]]      needs cdo, nccopy and python3; prints wall and processor seconds and ratios
# INPUT is a file with one field on the grid `0.25` (default: 64 levels of random waves made by cdo, shuffled and deflated, as
# most archives keep their fields; SHUFFLE=0 leaves them unshuffled).
set -eu

knarr=${1:-target/release/knarr}
runs=${RUNS:-5}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

input=${2:-}
if [ -z "$input" ]; then
  input=$work/in.nc
  # Rows and columns: cells of a SCRIP file would have great circles for edges.
  printf '%s\n' gridtype=lonlat xsize=1440 ysize=721 xfirst=0 xinc=0.25 yfirst=-90 yinc=0.25 >"$work/grid"
  # Waves of 64 phases with noise, in steps of 1/128.
  level=1
  while [ "$level" -le 64 ]; do
    cdo -s -f nc4 -expr,"t=int(128*(280+20*cos(2*clat(random))*sin(3*clon(random)+0.1*$level)+0.01*random))/128" \
      -setname,random -random,"$work/grid,$level" "$work/level$level.nc" 2>/dev/null || {
      echo "give an INPUT: this cdo cannot make one" >&2
      exit 2
    }
    level=$((level + 1))
  done
  cdo -s -f nc4 merge "$work"/level*.nc "$work/whole.nc" 2>/dev/null
  shuffled=-s
  [ "${SHUFFLE:-1}" = 1 ] || shuffled=
  # CDO cannot shuffle. One chunk a level, as it makes them.
  nccopy -d 1 $shuffled -c lat/721,lon/1440,sfc/1 "$work/whole.nc" "$input"
  rm "$work"/level*.nc "$work/whole.nc"
fi

# What a command took goes to a file: see timed.py.
timed() {
  python3 "$here/timed.py" "$@" >/dev/null 2>&1
}

median() {
  cut -d' ' -f"$2" "$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

"$knarr" grid H128n -o "$work/h128n.nc" --format scrip -q >/dev/null
cdo -s -O "gencon,$work/h128n.nc" "$input" "$work/weights.nc"
regrid="$knarr regrid $input -o $work/knarr.nc --to H128n --method conservative --cache $work/cache --force -q"
$regrid
i=0
while [ "$i" -lt "$runs" ]; do
  timed "$work/ours" $regrid
  timed "$work/theirs" cdo -s -O -z zip_1 "remap,$work/h128n.nc,$work/weights.nc" "$input" "$work/cdo.nc"
  timed "$work/plain" cdo -s -O "remap,$work/h128n.nc,$work/weights.nc" "$input" "$work/cdo_plain.nc"
  i=$((i + 1))
done
# What is compared is the same: first-order conservative weights of both, single precision.
"$knarr" compare "$work/knarr.nc" "$work/cdo.nc" --tolerance 1e-6 -q >/dev/null || { echo "the results differ" >&2; exit 1; }

echo "| program | output | wall s | user + system s | wall / knarr | user + system / knarr | bytes |"
echo "|---|---|---|---|---|---|---|"
row() {
  awk -v n="$1" -v o="$2" -v w="$(median "$work/$3" 1)" -v u="$(median "$work/$3" 2)" -v kw="$(median "$work/ours" 1)" \
    -v ku="$(median "$work/ours" 2)" -v b="$(wc -c <"$work/$4")" 'BEGIN {
      printf "| %s | %s | %.2f | %.2f | %.1f | %.1f | %d |\n", n, o, w, u, w / kw, u / ku, b }'
}
row knarr "deflate 1, shuffled" ours knarr.nc
row cdo "deflate 1" theirs cdo.nc
row cdo plain plain cdo_plain.nc
