// Partial results of zone_sums made fewer.

struct Parameters {
    width: u32,
    // Partial results to make, of all series.
    n: u32,
    // Partial results of a series before and after.
    before: u32,
    after: u32,
}
var<immediate> p: Parameters;

// Series one after the other.
@group(0) @binding(0) var<storage, read> sums: array<real>;
@group(0) @binding(1) var<storage, read_write> fewer: array<real>;

// An item is a partial result of a series.
@compute @workgroup_size(64)
fn of_partials(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = id.y * p.width + id.x;
    if item >= p.n { return; }
    let first = (item / p.after) * p.before;
    var sum = real(0);
    for (var k = item % p.after; k < p.before; k += p.after) { sum += sums[first + k]; }
    fewer[item] = sum;
}
