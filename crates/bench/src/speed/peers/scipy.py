# Applies CSR weights of an ESMF map to slabs of a field. Arguments: MAP FIELD SLABS LAYOUT, which is slabs or cells.
import sys, time
import netCDF4, numpy, scipy, scipy.sparse

with netCDF4.Dataset(sys.argv[1]) as data:
    s, row, col = (data[name][:].data for name in ("S", "row", "col"))
    shape = (data.dimensions["n_b"].size, data.dimensions["n_a"].size)
matrix = scipy.sparse.csr_matrix((s.astype("f4"), (row - 1, col - 1)), shape=shape)
field = numpy.tile(numpy.fromfile(sys.argv[2], "f8").astype("f4"), (int(sys.argv[3]), 1))
cells = numpy.ascontiguousarray(field.T) if sys.argv[4] == "cells" else None
version, result = scipy.__version__, [None]


def once():
    start = time.perf_counter()
    if cells is not None:
        product = matrix @ cells
        seconds = time.perf_counter() - start
        result[0] = numpy.ascontiguousarray(product[:, 0])
        return seconds
    # Values in the order of most files before and after: [slab][cell].
    slabs = numpy.ascontiguousarray((matrix @ numpy.ascontiguousarray(field.T)).T)
    seconds = time.perf_counter() - start
    result[0] = slabs[0]
    return seconds
