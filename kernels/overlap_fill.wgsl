// The pairs that rows keep, one after the other; see overlap_compact.wgsl.

struct Parameters {
    width: u32,
    n: u32,
    // Cell of the first row.
    first_cell: u32,
    sliver_length: real,
    sliver_share: real,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> pair_starts: array<u32>;
@group(0) @binding(1) var<storage, read> subjects: array<u32>;
@group(0) @binding(2) var<storage, read> areas: array<real>;
@group(0) @binding(3) var<storage, read> cell_areas: array<real>;
@group(0) @binding(4) var<storage, read> subject_areas: array<real>;
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
