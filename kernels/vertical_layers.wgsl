// Means of layers between other edges, a block of targets at once; see layer_means in vertical.rs. Layers without a
// value cover nothing.

struct Parameters {
    width: u32,
    // Cells.
    n: u32,
    layers: u32,
    lanes: u32,
    stride: u32,
    word_stride: u32,
    to_lanes: u32,
    // First layer to make, and how many.
    first_target: u32,
    targets: u32,
    flags: u32,
    beyond_low: u32,
    beyond_high: u32,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> values: array<stored>;
@group(0) @binding(1) var<storage, read> valid: array<u32>;
// Ascending edges of the layers, one more than layers.
@group(0) @binding(2) var<storage, read> edges: array<real>;
@group(0) @binding(3) var<storage, read> target_edges: array<real>;
@group(0) @binding(4) var<storage, read_write> results: array<stored>;
@group(0) @binding(5) var<storage, read_write> results_valid: array<u32>;

// Means so far, as offsets from the first value: constants keep their bits.
struct Mean {
    first: real,
    sum: real,
    covered: real,
}

fn take(mean: ptr<function, Mean>, value: real, height: real) {
    if height <= real(0) { return; }
    if (*mean).covered == real(0) { (*mean).first = value; }
    (*mean).sum += (value - (*mean).first) * height;
    (*mean).covered += height;
}

// An item is a cell.
@compute @workgroup_size(64)
fn layer_means(@builtin(global_invocation_id) id: vec3<u32>) {
    let cell = id.y * p.width + id.x;
    if cell >= p.n { return; }
    var word = 0u;
    for (var lane = 0u; lane < p.to_lanes; lane++) {
        var result = real(0);
        if lane < p.targets {
            let a = target_edges[p.first_target + lane];
            let b = target_edges[p.first_target + lane + 1u];
            let low = min(a, b);
            let high = max(a, b);
            var mean = Mean(real(0), real(0), real(0));
            var last = real(0);
            var last_edge = real(0);
            var any = false;
            for (var layer = 0u; layer < p.layers; layer++) {
                let block = layer / p.lanes;
                let at = layer % p.lanes;
                var present = true;
                if (p.flags & 1u) != 0u {
                    present = ((valid[block * p.word_stride + cell] >> at) & 1u) == 1u;
                }
                if present {
                    let value = real(values[block * p.stride + cell * p.lanes + at]);
                    let bottom = edges[layer];
                    let top = edges[layer + 1u];
                    if !any && p.beyond_low > 0u { take(&mean, value, min(bottom, high) - low); }
                    take(&mean, value, min(top, high) - max(bottom, low));
                    any = true;
                    last = value;
                    last_edge = top;
                }
            }
            if any && p.beyond_high > 0u { take(&mean, last, high - max(last_edge, low)); }
            if mean.covered > real(0) {
                word |= 1u << lane;
                result = mean.first + mean.sum / mean.covered;
            }
        }
        results[cell * p.to_lanes + lane] = stored(result);
    }
    results_valid[cell] = word;
}
