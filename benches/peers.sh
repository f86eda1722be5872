#!/bin/sh
# Weight generation beside CDO: the two in turn, medians of RUNS whole processes on one thread.
#   benches/peers.sh [KNARR]      needs cdo and GNU time; prints user CPU seconds, peak memory and ratios
# Grids go to CDO as the SCRIP files that knarr writes, or by their common name.
set -eu

knarr=${1:-target/release/knarr}
runs=${RUNS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# user seconds and peak kilobytes of a command, appended to a file
timed() {
  log=$1
  shift
  /usr/bin/time -a -o "$log" -f '%U %M' "$@" >/dev/null 2>&1
}

median() {
  cut -d' ' -f"$2" "$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# What CDO takes for a grid: lat-lon by name, everything else as a SCRIP file.
cdo_grid() {
  case $1 in
    r*x*) echo "$1" ;;
    *)
      [ -f "$work/$1.nc" ] || "$knarr" grid "$1" -o "$work/$1.nc" --format scrip -q >/dev/null
      echo "$work/$1.nc"
      ;;
  esac
}

pair() {
  method=$1 operator=$2 source=$3 destination=$4
  to=$(cdo_grid "$destination")
  from=$(cdo_grid "$source")
  rm -f "$work/ours" "$work/theirs"
  i=0
  while [ "$i" -lt "$runs" ]; do
    timed "$work/theirs" cdo -s -O -P 1 "$operator,$to" "-const,1,$from" "$work/cdo.nc" || { echo "| $method | $source -> $destination | cdo failed |"; return; }
    timed "$work/ours" "$knarr" weights "$source" "$destination" -o "$work/knarr.nc" --method "$method" --threads 1 --force -q
    i=$((i + 1))
  done
  links=$(ncdump -h "$work/knarr.nc" | sed -n 's/.*n_s = \([0-9]*\).*/\1/p')
  awk -v m="$method" -v p="$source -> $destination" -v n="$links" -v a="$(median "$work/ours" 1)" -v b="$(median "$work/theirs" 1)" \
    -v c="$(median "$work/ours" 2)" -v d="$(median "$work/theirs" 2)" 'BEGIN {
      printf "| %s | %s | %d | %.2f | %.2f | %.1f | %.2f | %.0f | %.0f | %.2f |\n", m, p, n, a, b, b / a, a / n * 1e6, c / 1024, d / 1024, c / d }'
}

echo "| method | pair | links | knarr s | cdo s | cdo / knarr | knarr µs per link | knarr MB | cdo MB | knarr / cdo |"
echo "|---|---|---|---|---|---|---|---|---|---|"
pair conservative gencon r1440x720 CS360
pair conservative gencon r1440x720 r360x180
pair conservative gencon CS90 r360x180
pair conservative gencon H256 r360x180
pair conservative gencon r360x180 H256
pair conservative gencon CS360 ICO120
pair bilinear genbil r1440x720 CS360
pair nearest gennn r1440x720 CS360
pair nearest gennn CS360 ICO120
