// Sums over the cells of slabs, by a tree that is the same on every device; see global_integral.rs.

struct Parameters {
    width: u32,
    // Partial results times lanes.
    n: u32,
    cells: u32,
    lanes: u32,
    partials: u32,
    // 1: values may be missing.
    flags: u32,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> values: array<stored>;
@group(0) @binding(1) var<storage, read> valid: array<u32>;
@group(0) @binding(2) var<storage, read> areas: array<real>;
// Sum, area, least and greatest: four planes of partials times lanes.
@group(0) @binding(3) var<storage, read_write> sums: array<real>;
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;

// An item is a partial result of a lane: cells partial, partial + partials, ...
@compute @workgroup_size(64)
fn of_cells(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = id.y * p.width + id.x;
    if item >= p.n { return; }
    let lane = item % p.lanes;
    var sum = real(0);
    var area = real(0);
    var least = real(0);
    var greatest = real(0);
    var count = 0u;
    for (var cell = item / p.lanes; cell < p.cells; cell += p.partials) {
        var present = true;
        if (p.flags & 1u) != 0u { present = ((valid[cell] >> lane) & 1u) == 1u; }
        if present {
            let x = real(values[cell * p.lanes + lane]);
            sum += areas[cell] * x;
            area += areas[cell];
            least = select(least, x, count == 0u || x < least);
            greatest = select(greatest, x, count == 0u || x > greatest);
            count++;
        }
    }
    sums[item] = sum;
    sums[p.n + item] = area;
    sums[2u * p.n + item] = least;
    sums[3u * p.n + item] = greatest;
    counts[item] = count;
}
