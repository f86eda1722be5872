// Weighted sums of a slab over zones, a tree that is the same on every device; see twins/zone_sums.rs.

struct Parameters {
    width: u32,
    // Partial results times zones.
    n: u32,
    cells: u32,
    partials: u32,
    // 1: values may be missing; 2: cells have zones.
    flags: u32,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> values: array<stored>;
@group(0) @binding(1) var<storage, read> valid: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<real>;
@group(0) @binding(3) var<storage, read> zones: array<u32>;
// Sums of each zone, then the weights of what is missing there: partial results side by side.
@group(0) @binding(4) var<storage, read_write> sums: array<real>;

// An item is a partial result of a zone: cells partial, partial + partials, ...
@compute @workgroup_size(64)
fn of_cells(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = id.y * p.width + id.x;
    if item >= p.n { return; }
    let zone = item / p.partials;
    var sum = real(0);
    var missing = real(0);
    for (var cell = item % p.partials; cell < p.cells; cell += p.partials) {
        let weight = weights[cell];
        var counts = weight != real(0);
        if (p.flags & 2u) != 0u { counts = counts && zones[cell] == zone; }
        // What has no weight never counts, not even if it is no number.
        if counts {
            var present = true;
            if (p.flags & 1u) != 0u { present = (valid[cell] & 1u) == 1u; }
            if present { sum += weight * real(values[cell]); } else { missing += weight; }
        }
    }
    sums[item] = sum;
    sums[p.n + item] = missing;
}
