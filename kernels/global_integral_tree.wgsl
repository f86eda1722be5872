// Partial results of global_integral made fewer.

struct Parameters {
    width: u32,
    // Partial results to make, times lanes.
    n: u32,
    lanes: u32,
    // Partial results before and after.
    before: u32,
    after: u32,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> sums: array<real>;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> fewer_sums: array<real>;
@group(0) @binding(3) var<storage, read_write> fewer_counts: array<u32>;

// An item is a partial result of a lane.
@compute @workgroup_size(64)
fn of_partials(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = id.y * p.width + id.x;
    if item >= p.n { return; }
    let lane = item % p.lanes;
    let plane = p.before * p.lanes;
    var sum = real(0);
    var area = real(0);
    var least = real(0);
    var greatest = real(0);
    var count = 0u;
    for (var partial = item / p.lanes; partial < p.before; partial += p.after) {
        let at = partial * p.lanes + lane;
        if counts[at] > 0u {
            sum += sums[at];
            area += sums[plane + at];
            let low = sums[2u * plane + at];
            let high = sums[3u * plane + at];
            least = select(least, low, count == 0u || low < least);
            greatest = select(greatest, high, count == 0u || high > greatest);
            count += counts[at];
        }
    }
    fewer_sums[item] = sum;
    fewer_sums[p.n + item] = area;
    fewer_sums[2u * p.n + item] = least;
    fewer_sums[3u * p.n + item] = greatest;
    fewer_counts[item] = count;
}
