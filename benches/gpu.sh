#!/bin/sh
# All that is to be known of a machine with a graphics processor, in one call, without cargo there:
#   benches/gpu.sh build DIR   builds the program, the bench and the twins' tests, and puts them into DIR
#                              (PROFILE=dev builds sooner, to try the script)
#   DIR/gpu.sh run [OUT]       runs them there and writes what they tell to OUT (default: DIR/out)
# 1 adapters, limits, copies; 2 functions, contraction, loops, submits, memory (--probe); 3 twins; 4 benches beside
# the processor's cores; 5 weights by the program on both. Ten minutes on a large device are enough; the bench ends after
# BENCH_SECONDS (420), and BENCH_ARGS can make it shorter (--measurement-time 0.2). Without a display, NVIDIA's driver is
# found through its EGL library: name its manifest in VK_DRIVER_FILES, or let this script look in the usual place.
set -eu

usage() { echo "usage: $0 build DIR | run [OUT]" >&2; exit 2; }

build() {
  mkdir -p "$1"
  there=$(cd "$1" && pwd)
  cd "$(dirname "$0")/.."
  profile=${PROFILE:-release}
  # The path of the executable that cargo made of the target $1.
  made() {
    name=$1
    shift
    cargo "$@" --profile "$profile" --message-format=json |
      grep "\"name\":\"$name\"" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1
  }
  cp "$(made knarr build --bin knarr)" "$there/knarr"
  cp "$(made gpu bench --bench gpu --no-run)" "$there/bench"
  cp "$(made knarr_kernels test -p knarr-kernels --lib --no-run)" "$there/twins"
  # What debuggers want is most of them, and they go over a wire.
  for program in knarr bench twins; do strip --strip-debug "$there/$program" || true; done
  cp benches/gpu.sh "$there/gpu.sh"
  # What the tests and the program need besides the C library.
  for library in $(ldd "$there/knarr" "$there/bench" "$there/twins" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u); do
    case $library in
      # The driver of that machine was built with its own.
      */libstdc++* | */libc.so* | */libm.so* | */libgcc_s.so* | */ld-linux* | */libpthread* | */libdl* | */librt*) ;;
      *) mkdir -p "$there/lib" && cp -L "$library" "$there/lib/" ;;
    esac
  done
  du -sh "$there"
}

run() {
  here=$(cd "$(dirname "$0")" && pwd)
  out=${1:-$here/out}
  mkdir -p "$out"
  out=$(cd "$out" && pwd)
  export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib" KNARR_REQUIRE_GPU=1
  XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$out}
  export XDG_RUNTIME_DIR
  cd "$out"
  # Seconds that a part may take at most, its name, and the command.
  part() {
    limit=$1
    name=$2
    shift 2
    echo "== $name"
    start=$(date +%s)
    # A part that fails or hangs does not keep the others from running.
    timeout "$limit" "$@" >"$name.txt" 2>&1 && code=0 || code=$?
    echo "   exit code $code after $(($(date +%s) - start)) s; $out/$name.txt" | tee -a "$name.txt"
  }
  manifest=${VK_DRIVER_FILES:-/usr/share/vulkan/icd.d/nvidia_icd.json}
  if [ -f "$manifest" ] && ! "$here/knarr" gpu info --json | grep -q '"kind": "discrete"'; then
    sed s/libGLX_nvidia/libEGL_nvidia/ "$manifest" >driver.json
    export VK_DRIVER_FILES="$out/driver.json"
  fi
  { uname -a; grep -m 1 'model name' /proc/cpuinfo; nproc; nvidia-smi 2>/dev/null || true; } >machine.txt 2>&1
  part 60 adapters "$here/knarr" gpu info --measure --json
  part 60 probe "$here/bench" --probe
  part 120 twins "$here/twins" --test-threads 4 gpu twins
  # shellcheck disable=SC2086
  part "${BENCH_SECONDS:-420}" bench "$here/bench" --bench ${BENCH_ARGS:-}
  device=$("$here/knarr" gpu info --json 2>/dev/null | sed -n 's/.*"device": "\(gpu:[0-9]*\)".*/\1/p' | head -n 1)
  for on in cpu "${device:-gpu}"; do
    for method in conservative nearest bilinear; do
      for pair in "CS90 H128" "O160 H128n" "r1440x720 r360x180"; do
        # shellcheck disable=SC2086
        part 60 "weights-$method-$(echo "$pair-$on" | tr ': ' --)" \
          "$here/knarr" weights $pair -o weights.nc -O --method "$method" --device "$on" -v
      done
    done
  done
  rm -f weights.nc
  grep "exit code" ./*.txt
}

case ${1:-} in
  build) [ $# -eq 2 ] || usage; build "$2" ;;
  run) shift; run "$@" ;;
  *) usage ;;
esac
