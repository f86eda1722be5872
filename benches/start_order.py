#!/usr/bin/env python3
"""Finds the functions that small jobs run through, for the linker to put side by side: crates/cli/start_order.txt.

    benches/start_order.py

Builds target/release/knarr without an order, profiles it and writes the order; the next build takes it. Needs valgrind
and binutils.

A system maps a program by 64 KB and more around whatever is run of it. In the order of crates a job of 20 ms runs
through a tenth of the program and has a third of it mapped, most of that for a function or two. Those are the functions
listed: what is run in places of which little is run. Sections of functions are matched by patterns without the hashes of
the compiler where these still name few other functions, so most of the order outlives a compiler; what it no longer
finds is linked where it was before.
"""

import collections
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "datasets"
ORDER = ROOT / "crates" / "cli" / "start_order.txt"
HEAD = "# Functions that small jobs run through, for the linker to put side by side. Made by benches/start_order.py.\n"

# Places of so many bytes are left to themselves if at least so many functions of them are run.
PLACE = 1 << 17
MANY = 48
# Bytes of functions of the same name that are put side by side with one that is run.
MUCH = 4 << 10

ORCA2 = f"{DATA}/orca2_votemper.nc:votemper"
WEIGHTS = ["-o", "weights.nc", "--format", "scrip", "--force", "--threads", "1", "-v"]
JOBS = [
    *(["weights", ORCA2, "r360x180", "--method", method, *WEIGHTS] for method in ("nearest", "bilinear", "conservative")),
    ["weights", f"{DATA}/chesapeake_mesh_ugrid.nc", "H64", "--method", "nearest", *WEIGHTS],
    ["weights", "CS30", "r90x45", *WEIGHTS],
]


def functions(knarr):
    """Address and bytes of every function by its symbol."""
    listed = subprocess.run(["nm", "-S", "--defined-only", knarr], check=True, capture_output=True, text=True).stdout
    rows = (line.split() for line in listed.splitlines())
    return {row[3]: (int(row[0], 16), int(row[1], 16)) for row in rows if len(row) == 4 and row[2] in "tT"}


def run_by(knarr, job, folder):
    """Symbols of the functions of the program that a job runs."""
    profile = folder / "profile"
    command = ["valgrind", "--tool=callgrind", "--demangle=no", f"--callgrind-out-file={profile}", knarr, *job]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found, names = set(), {}
    for line in profile.read_text(errors="replace").splitlines():
        match = re.match(r"(c?)fn=\((\d+)\)(?: (.*))?", line)
        if match:
            called, number, name = match.groups()
            if name:
                # Callgrind numbers the levels of a recursion.
                names[number] = re.sub(r"'\d+$", "", name.strip())
            if not called:
                found.add(number)
    return {names[number] for number in found}


def wider(name):
    """A pattern that matches the symbol whatever the compiler's hashes are."""
    name = re.sub(r"\.llvm\.\d+$", "*", name)
    return re.sub(r"17h[0-9a-f]{16}E.*$", "17h*", re.sub(r"Cs[0-9A-Za-z]+_", "Cs*_", name))


def patterns(names, sizes):
    """The symbols as patterns: without hashes unless that would take in much that is not run."""
    every, wanted = collections.Counter(), collections.Counter()
    for name, (_, size) in sizes.items():
        every[wider(name)] += size
    for name in names:
        wanted[wider(name)] += sizes[name][1]
    is_clear = lambda name: every[wider(name)] - wanted[wider(name)] <= MUCH
    return sorted({wider(name) if is_clear(name) else re.sub(r"\.llvm\.\d+$", "*", name) for name in names})


def chosen(knarr):
    """Patterns of what small jobs run in places of which they run little."""
    sizes = functions(knarr)
    with tempfile.TemporaryDirectory() as folder:
        run = set().union(*(run_by(knarr, job, pathlib.Path(folder)) for job in JOBS))
    # What valgrind's processor lacks, the next one has.
    run |= {name.replace("avx2", "avx512") for name in run}
    places = collections.defaultdict(set)
    for name in run & set(sizes):
        address, size = sizes[name]
        for place in range(address // PLACE, (address + max(size, 1) - 1) // PLACE + 1):
            places[place].add(name)
    names = set().union(*(few for few in places.values() if len(few) < MANY))
    found = patterns(names, sizes)
    print(f"{sum(sizes[name][1] for name in run & set(sizes)) / 1024:.0f} KB run in {len(places)} places of {PLACE >> 10} KB")
    print(f"{sum(sizes[name][1] for name in names) / 1024:.0f} KB of them, {len(names)} functions, in {len(found)} patterns")
    return found


def main():
    before = ORDER.read_text(encoding="ascii")
    try:
        ORDER.write_text(HEAD, encoding="ascii")
        subprocess.run(["cargo", "build", "--release"], check=True, cwd=ROOT)
        ORDER.write_text(HEAD + "".join(f"{line}\n" for line in chosen(ROOT / "target" / "release" / "knarr")), encoding="ascii")
    except BaseException:
        ORDER.write_text(before, encoding="ascii")
        raise


if __name__ == "__main__":
    main()
