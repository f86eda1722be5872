// Columns of a field whose slabs are levels or layers, for vertical and vertical_layers.

struct Parameters {
    width: u32,
    // Cells.
    n: u32,
    // Levels, or layers.
    levels: u32,
    lanes: u32,
    // Elements and words from a block of levels to the next.
    stride: u32,
    word_stride: u32,
    to_lanes: u32,
    // First level or layer to make, and how many.
    first_target: u32,
    targets: u32,
    // 1: values may be missing; 2 and 4: as the kernel says.
    flags: u32,
    // What is below and above the column: 0 missing, 1 the nearest value, 2 on the line of the last two.
    beyond_low: u32,
    beyond_high: u32,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> values: array<stored>;
@group(0) @binding(1) var<storage, read> valid: array<u32>;

fn element(level: u32, cell: u32) -> u32 {
    return (level / p.lanes) * p.stride + cell * p.lanes + level % p.lanes;
}

fn has_value(level: u32, cell: u32) -> bool {
    if (p.flags & 1u) == 0u { return true; }
    return ((valid[(level / p.lanes) * p.word_stride + cell] >> (level % p.lanes)) & 1u) == 1u;
}
