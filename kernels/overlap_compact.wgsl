// How many pairs of a row share an area; see shared/pair_rows.wgsl.

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
