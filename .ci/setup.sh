#!/bin/sh
# Makes sure that what Knarr is built from is there: `setup.sh build`, or `setup.sh test` for the tests too.
# Installs missing packages on Debian and Ubuntu; on other systems names them and stops.
set -eu

mode=${1:-build}
case $mode in
  build | test) ;;
  *) echo "usage: $0 build|test" >&2; exit 2 ;;
esac

if ! command -v cargo >/dev/null 2>&1; then
  # A fresh rustup is not on the PATH of a shell that was open before.
  if [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    echo "error: cargo is installed but not on the PATH; run: . \"${CARGO_HOME:-$HOME/.cargo}/env\"" >&2
  else
    echo "error: cargo was not found; install Rust (1.89 or later) from https://rustup.rs" >&2
  fi
  exit 2
fi
if ! command -v cc >/dev/null 2>&1; then
  echo "error: no C compiler (cc) was found; on Debian and Ubuntu: apt-get install gcc libc6-dev" >&2
  exit 2
fi

# For the NetCDF and HDF5 libraries, which are made with Knarr.
needed=""
command -v cmake >/dev/null 2>&1 || needed="$needed cmake"
command -v make >/dev/null 2>&1 || needed="$needed make"
command -v c++ >/dev/null 2>&1 || needed="$needed g++"
# Tests compare with other programs (cdo, nco), speak with an MQTT broker (mosquitto), look at pages (chromium) and run GPU kernels on a software
# driver; they skip, and say so, without.
optional=""
[ "$mode" = test ] && optional="cdo nco netcdf-bin minisign mosquitto chromium mesa-vulkan-drivers libvulkan1"

# Readers of packages, apart from the system's Python.
readers=target/test-readers
if [ "$mode" = test ] && [ ! -x "$readers/bin/python" ] && command -v python3 >/dev/null 2>&1; then
  { python3 -m venv "$readers" && "$readers/bin/pip" install -q bagit 'pystac[validation]'; } >/dev/null 2>&1 || {
    rm -rf "$readers"
    echo "note: no Python environment with bagit and pystac; tests that need it are skipped" >&2
  }
fi

# Schemas of WMO, which may not be passed on; tests use what could be fetched.
wmo=https://raw.githubusercontent.com/wmo-im
if [ "$mode" = test ] && [ ! -d "$readers/schemas" ] && command -v curl >/dev/null 2>&1; then
  part="$readers/schemas.part"
  mkdir -p "$part"
  if curl -fs -m 20 -o "$part/wnm.json" "$wmo/wis2-notification-message/main/schemas/wis2-notification-message-bundled.json" &&
    curl -fs -m 20 -o "$part/wcmp2.json" "$wmo/wcmp2/main/schemas/wcmp2-bundled.json"; then
    mv "$part" "$readers/schemas"
  else
    rm -rf "$part"
    echo "note: the schemas of WMO could not be fetched; the test that needs them is skipped" >&2
  fi
fi

if ! command -v apt-get >/dev/null 2>&1; then
  [ -z "$needed" ] && exit 0
  cat >&2 <<TEXT
error: not found:$needed
  Fedora, RHEL:  dnf install cmake make gcc-c++
  openSUSE:      zypper install cmake make gcc-c++
  Arch:          pacman -S cmake make gcc
  macOS:         brew install cmake, and xcode-select --install
  for the tests also, where available: cdo nco mosquitto and a Vulkan driver (mesa)
TEXT
  exit 2
fi

is_installed() {
  dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}

missing=""
for package in $needed; do
  is_installed "$package" || missing="$missing $package"
done
wanted=""
for package in $optional; do
  is_installed "$package" || wanted="$wanted $package"
done
[ -z "$missing$wanted" ] && exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    as_root="sudo"
  elif [ -z "$missing" ]; then
    echo "note: not installed (no root, no sudo):$wanted; tests that need them are skipped" >&2
    exit 0
  else
    echo "error: missing packages, and no way to become root; run: apt-get install$missing$wanted" >&2
    exit 2
  fi
fi

apt() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@"
}

echo "installing:$missing$wanted" >&2
apt update -qq || echo "note: apt-get update failed, trying with the package lists at hand" >&2
if [ -n "$missing" ]; then
  # shellcheck disable=SC2086
  apt install -y -qq --no-install-recommends $missing >/dev/null || {
    echo "error: apt-get could not install$missing" >&2
    exit 2
  }
fi
for package in $wanted; do
  apt install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 ||
    echo "note: $package could not be installed; tests that need it are skipped" >&2
done
