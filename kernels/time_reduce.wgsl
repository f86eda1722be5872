// Steps of time made into periods, a block of periods at once; see time_reduce.rs.

struct Parameters {
    width: u32,
    // Cells.
    n: u32,
    lanes: u32,
    // Elements and words from a block of steps to the next.
    stride: u32,
    word_stride: u32,
    to_lanes: u32,
    first_period: u32,
    periods: u32,
    // 0 mean, 1 sum, 2 minimum, 3 maximum.
    reduction: u32,
    // 1: values may be missing.
    flags: u32,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> values: array<stored>;
@group(0) @binding(1) var<storage, read> valid: array<u32>;
// First share of each period.
@group(0) @binding(2) var<storage, read> share_starts: array<u32>;
@group(0) @binding(3) var<storage, read> steps: array<u32>;
// Two numbers a share: the time that is shared, and its part of the step.
@group(0) @binding(4) var<storage, read> shares: array<real>;
// Least time of valid values of each period.
@group(0) @binding(5) var<storage, read> least: array<real>;
@group(0) @binding(6) var<storage, read_write> results: array<stored>;
@group(0) @binding(7) var<storage, read_write> results_valid: array<u32>;

// An item is a cell.
@compute @workgroup_size(64)
fn periods(@builtin(global_invocation_id) id: vec3<u32>) {
    let cell = id.y * p.width + id.x;
    if cell >= p.n { return; }
    var word = 0u;
    for (var lane = 0u; lane < p.to_lanes; lane++) {
        var result = real(0);
        if lane < p.periods {
            let period = p.first_period + lane;
            var weight = real(0);
            var fresh = true;
            for (var k = share_starts[period]; k < share_starts[period + 1u]; k++) {
                let block = steps[k] / p.lanes;
                let at = steps[k] % p.lanes;
                var present = true;
                if (p.flags & 1u) != 0u {
                    present = ((valid[block * p.word_stride + cell] >> at) & 1u) == 1u;
                }
                if present {
                    let x = real(values[block * p.stride + cell * p.lanes + at]);
                    weight += shares[2u * k];
                    switch p.reduction {
                        case 0u: { result += shares[2u * k] * x; }
                        case 1u: { result += shares[2u * k + 1u] * x; }
                        case 2u: { result = select(result, x, fresh || x < result); }
                        default: { result = select(result, x, fresh || x > result); }
                    }
                    fresh = false;
                }
            }
            if weight > real(0) && weight >= least[period] {
                word |= 1u << lane;
                if p.reduction == 0u { result /= weight; }
            } else {
                result = real(0);
            }
        }
        results[cell * p.to_lanes + lane] = stored(result);
    }
    results_valid[cell] = word;
}
