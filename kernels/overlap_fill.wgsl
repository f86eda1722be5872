// The pairs that rows keep, one after the other; see shared/pair_rows.wgsl.

// First link of each row.
@group(0) @binding(5) var<storage, read> starts: array<u32>;
@group(0) @binding(6) var<storage, read_write> kept_subjects: array<u32>;
@group(0) @binding(7) var<storage, read_write> kept_areas: array<real>;

// An item is a row.
@compute @workgroup_size(64)
fn fill(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.y * p.width + id.x;
    if row >= p.n { return; }
    let least = sliver_of(row);
    var at = starts[row];
    for (var k = pair_starts[row]; k < pair_starts[row + 1u]; k++) {
        if areas[k] > least {
            kept_subjects[at] = subjects[k];
            kept_areas[at] = areas[k];
            at++;
        }
    }
}
