// Pairs that share an area, row by row: how many a row keeps, and then these alone. Rows are cells of the first grid.

struct Parameters {
    width: u32,
    // Rows.
    n: u32,
    // Cell of the first row.
    first_cell: u32,
    // A row drops areas up to sliver_length * sqrt(a) + sliver_share * a, a the least area of its cells.
    sliver_length: real,
    sliver_share: real,
}
var<immediate> p: Parameters;

// First pair of each row.
@group(0) @binding(0) var<storage, read> pair_starts: array<u32>;
@group(0) @binding(1) var<storage, read> subjects: array<u32>;
@group(0) @binding(2) var<storage, read> areas: array<real>;
@group(0) @binding(3) var<storage, read> cell_areas: array<real>;
@group(0) @binding(4) var<storage, read> subject_areas: array<real>;
// Links of each row; the highest bit marks rows with a pair that has to be done elsewhere.
@group(0) @binding(5) var<storage, read_write> counts: array<u32>;

// An item is a row.
@compute @workgroup_size(64)
fn count(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.y * p.width + id.x;
    if row >= p.n { return; }
    let least = sliver_of(row);
    var kept = 0u;
    var elsewhere = 0u;
    for (var k = pair_starts[row]; k < pair_starts[row + 1u]; k++) {
        if areas[k] > least { kept++; }
        if areas[k] < real(0) { elsewhere = 0x80000000u; }
    }
    counts[row] = kept | elsewhere;
}
