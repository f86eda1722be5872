# Makes weights by YAC from two SCRIP files. Arguments: SOURCE DESTINATION FIELD METHOD.
import importlib.metadata, sys, time
import netCDF4, numpy, yac.core as yac


def interp_field(name, path):
    with netCDF4.Dataset(path) as data:
        to_rad = numpy.deg2rad if data["grid_corner_lon"].units.startswith("deg") else numpy.asarray
        corners = [to_rad(data["grid_corner_" + axis][:].data) for axis in ("lon", "lat")]
        centers = [to_rad(data["grid_center_" + axis][:].data) for axis in ("lon", "lat")]
    cells, each = corners[0].shape
    grid = yac.BasicGrid.unstruct_new(
        name, numpy.full(cells, each, "i4"), corners[0].ravel(), corners[1].ravel(), numpy.arange(cells * each, dtype="i4")
    )
    return grid, yac.InterpField(grid.add_coordinates(yac.yac_location.YAC_LOC_CELL, *centers), None)


(source_grid, source), (destination_grid, destination) = interp_field("source", sys.argv[1]), interp_field("destination", sys.argv[2])
field = numpy.fromfile(sys.argv[3], "f8")
method = {
    "conservative": ("conservative", {"normalisation": "YAC_INTERP_CONSERV_FRACAREA"}),
    "nearest": ("nnn", {"n": 1}),
}[sys.argv[4]]
# What it does not reach shall not look like a value.
stack = yac.InterpolationStack.from_list([method, ("fixed", {"value": 9e36})])
version, result = importlib.metadata.version("yac"), [None]


def once():
    start = time.perf_counter()
    weights = yac.compute_weights(stack, source, destination)
    seconds = time.perf_counter() - start
    result[0] = numpy.ravel(weights.get_interpolation(collection_size=1)(field))
    return seconds
