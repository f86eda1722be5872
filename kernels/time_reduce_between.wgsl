// Values at an instant between two others, a block at once; see between in time_reduce.rs.

struct Parameters {
    width: u32,
    // Cells.
    n: u32,
    lanes: u32,
    // Lanes that have a slab.
    slabs: u32,
    // 1: values before may be missing; 2: values after may be.
    flags: u32,
    // 1 at the value before, 2 at that after, else 0.
    at_end: u32,
    fraction: real,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> before: array<stored>;
@group(0) @binding(1) var<storage, read> before_valid: array<u32>;
@group(0) @binding(2) var<storage, read> after: array<stored>;
@group(0) @binding(3) var<storage, read> after_valid: array<u32>;
@group(0) @binding(4) var<storage, read_write> results: array<stored>;
@group(0) @binding(5) var<storage, read_write> results_valid: array<u32>;

// An item is a cell.
@compute @workgroup_size(64)
fn between(@builtin(global_invocation_id) id: vec3<u32>) {
    let cell = id.y * p.width + id.x;
    if cell >= p.n { return; }
    var there_before = 0xffffffffu;
    var there_after = 0xffffffffu;
    if (p.flags & 1u) != 0u { there_before = before_valid[cell]; }
    if (p.flags & 2u) != 0u { there_after = after_valid[cell]; }
    var there = there_before & there_after;
    if p.at_end == 1u { there = there_before; }
    if p.at_end == 2u { there = there_after; }
    there &= (1u << p.slabs) - 1u;
    for (var lane = 0u; lane < p.lanes; lane++) {
        let at = cell * p.lanes + lane;
        let first = real(before[at]);
        let last = real(after[at]);
        // The value at an end is taken as it is, whatever the other one.
        var result = first + p.fraction * (last - first);
        if p.at_end == 1u { result = first; }
        if p.at_end == 2u { result = last; }
        results[at] = stored(select(real(0), result, ((there >> lane) & 1u) != 0u));
    }
    results_valid[cell] = there;
}
