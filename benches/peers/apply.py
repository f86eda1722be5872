#!/usr/bin/env python3
"""Application of ready weights by scipy.sparse and CDO: medians of user CPU seconds of RUNS runs.

    benches/peers/apply.py MAP.nc SCRIP_MAP.nc GRID.nc [SLABS]

Needs numpy, scipy, netCDF4, and cdo on the PATH.

MAP.nc: weights from r1440x720, as `knarr weights r1440x720 CS360 -o MAP.nc --method conservative` writes them;
for CDO SCRIP_MAP.nc, the same with `--format scrip`, and GRID.nc, the destination, as
`knarr grid CS360 -o GRID.nc --format scrip` writes it. Beside it stand the cases `apply` of `knarr bench speed --size l`: fields,
weights and slabs of the same size, without files. scipy multiplies CSR weights with [cell][slab] values; the time
to turn [slab][cell] around and back is given apart. CDO is a whole process on one thread, with the reading of
weights; what copies of its input and of its result take is given apart.
"""
import os
import resource
import statistics
import subprocess
import sys
import tempfile

import netCDF4
import numpy
import scipy.sparse

RUNS = int(os.environ.get("RUNS", "5"))


def user_seconds(who):
    return resource.getrusage(who).ru_utime


def median(work, who):
    def once():
        before = user_seconds(who)
        work()
        return user_seconds(who) - before

    work()
    return statistics.median(once() for _ in range(RUNS))


def main():
    weights_file, scrip_file, grid = sys.argv[1:4]
    slabs = int(sys.argv[4]) if len(sys.argv) > 4 else 32
    with netCDF4.Dataset(weights_file) as data:
        links = [data[name][:].data for name in ("S", "row", "col")]
        shape = (data.dimensions["n_b"].size, data.dimensions["n_a"].size)
    field = numpy.random.default_rng(1).random((slabs, shape[1]), dtype=numpy.float32) + 280
    print(f"{weights_file}: {shape[1]} -> {shape[0]} cells, {len(links[0])} links, {slabs} slabs, float32")
    for name, kind in (("float32", numpy.float32), ("float64", numpy.float64)):
        matrix = scipy.sparse.csr_matrix((links[0].astype(kind), (links[1] - 1, links[2] - 1)), shape=shape)
        cells = numpy.ascontiguousarray(field.T)
        product = matrix @ cells
        times = median(lambda: matrix @ cells, resource.RUSAGE_SELF)
        turned = median(
            lambda: (numpy.ascontiguousarray(field.T), numpy.ascontiguousarray(product.T)), resource.RUSAGE_SELF
        )
        print(f"scipy, {name} weights: {times * 1e3:.1f} ms, and {turned * 1e3:.1f} ms to turn values around")
    with tempfile.TemporaryDirectory() as folder:
        source, result = f"{folder}/source.nc", f"{folder}/result.nc"
        subprocess.run(
            ["cdo", "-s", "-O", "-f", "nc", "-b", "F32", f"-duplicate,{slabs}", "-random,r1440x720", source], check=True
        )

        def cdo(*words):
            return median(lambda: subprocess.run(["cdo", "-s", "-O", "-P", "1", *words], check=True), resource.RUSAGE_CHILDREN)

        remap = cdo(f"remap,{grid},{scrip_file}", source, result)
        files = cdo("copy", source, f"{folder}/a.nc"), cdo("copy", result, f"{folder}/b.nc")
        print(f"cdo remap: {remap * 1e3:.0f} ms, copies of source and result: {files[0] * 1e3:.0f} and {files[1] * 1e3:.0f} ms")


main()
