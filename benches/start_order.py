#!/usr/bin/env python3
"""Finds the functions that small jobs run through, for the linker to put side by side: crates/cli/start_order.txt.

    benches/start_order.py [KNARR]

KNARR is a release build (default target/release/knarr), with or without such an order. Needs valgrind and binutils.

A system maps a program by 64 KB and more around whatever is run of it. In the order of crates a job of 20 ms runs
through a tenth of the program and has half of it mapped, most of that for a function or two. Those are the functions
listed: what is run in places of which little is run. Sections of functions are matched by patterns without the hash of
the compiler where that still names the same function, so most of the order outlives a compiler; what it no longer
finds is linked where it was before.
"""

import collections
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent / "datasets"
ORDER = HERE.parent / "crates" / "cli" / "start_order.txt"

# Places of that size are left to themselves if at least so many functions of them are run.
PLACE = 1 << 17
MANY = 32

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


def side_by_side(knarr):
    """Addresses of what an order put side by side; none in a program linked without."""
    listed = subprocess.run(["readelf", "-SW", knarr], check=True, capture_output=True, text=True).stdout
    found = re.search(r" \.text\.start +PROGBITS +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+)", listed)
    start, size = (int(number, 16) for number in found.groups()) if found else (0, 0)
    return range(start, start + size)


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
    """The symbols as patterns: without hashes unless that would take in more than twice as much."""
    every, wanted = collections.Counter(), collections.Counter()
    for name, (_, size) in sizes.items():
        every[wider(name)] += size
    for name in names:
        wanted[wider(name)] += sizes[name][1]
    is_clear = lambda name: every[wider(name)] <= 2 * wanted[wider(name)]
    return sorted({wider(name) if is_clear(name) else re.sub(r"\.llvm\.\d+$", "*", name) for name in names})


def main():
    knarr = str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/release/knarr").resolve())
    sizes = functions(knarr)
    with tempfile.TemporaryDirectory() as folder:
        run = set().union(*(run_by(knarr, job, pathlib.Path(folder)) for job in JOBS))
    # What valgrind's processor lacks, the next one has.
    run |= {name.replace("avx2", "avx512") for name in run}
    run &= set(sizes)
    before = side_by_side(knarr)
    ordered = {name for name in run if sizes[name][0] in before}
    places = collections.defaultdict(set)
    for name in run - ordered:
        address, size = sizes[name]
        for place in range(address // PLACE, (address + max(size, 1) - 1) // PLACE + 1):
            places[place].add(name)
    chosen = ordered.union(*(few for few in places.values() if len(few) < MANY))
    lines = patterns(chosen, sizes)
    head = "# Functions that small jobs run through, for the linker to put side by side. Made by benches/start_order.py.\n"
    ORDER.write_text(head + "".join(f"{line}\n" for line in lines), encoding="ascii")
    taken = sum(sizes[name][1] for name in chosen)
    print(f"{len(run)} functions run in {len(places)} places; {len(chosen)} of them, {taken / 1024:.0f} KB, in {len(lines)} patterns")


if __name__ == "__main__":
    main()
