// Means of layers between other edges, a block of targets at once; see layer_means in vertical.rs. Layers without a
// value cover nothing.
// Flags, beside those of shared/columns.wgsl: 2, parabolas in place of constants.

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

// Whether a layer has a value; layers outside have none.
fn is_there(layer: i32, cell: u32) -> bool {
    if layer < 0 || layer >= i32(p.levels) { return false; }
    return has_value(u32(layer), cell);
}

fn mean_of(layer: i32, cell: u32) -> real {
    return real(values[element(u32(layer), cell)]);
}

fn height_of(layer: i32) -> real {
    return edges[layer + 1] - edges[layer];
}

// Slope of a layer between two others that have values, limited; else 0.
fn slope_of(layer: i32, cell: u32) -> real {
    if !(is_there(layer - 1, cell) && is_there(layer + 1, cell)) { return real(0); }
    let mean = mean_of(layer, cell);
    let before = mean - mean_of(layer - 1, cell);
    let after = mean_of(layer + 1, cell) - mean;
    if before * after <= real(0) { return real(0); }
    let h0 = height_of(layer - 1);
    let h1 = height_of(layer);
    let h2 = height_of(layer + 1);
    let slope = h1 / (h0 + h1 + h2)
        * ((real(2) * h0 + h1) / (h2 + h1) * after + (h1 + real(2) * h2) / (h0 + h1) * before);
    let size = min(abs(slope), min(real(2) * abs(before), real(2) * abs(after)));
    return select(size, -size, slope < real(0));
}

// Value at the edge between a layer and the next, which have values.
fn edge_after(layer: i32, cell: u32) -> real {
    let h1 = height_of(layer);
    let h2 = height_of(layer + 1);
    let mean = mean_of(layer, cell);
    let up = mean_of(layer + 1, cell) - mean;
    var edge = mean + h1 / (h1 + h2) * up;
    if is_there(layer - 1, cell) && is_there(layer + 2, cell) {
        let h0 = height_of(layer - 1);
        let h3 = height_of(layer + 2);
        let left = (h0 + h1) / (real(2) * h1 + h2);
        let right = (h3 + h2) / (real(2) * h2 + h1);
        edge += (real(2) * h2 * h1 / (h1 + h2) * (left - right) * up - h1 * left * slope_of(layer + 1, cell)
            + h2 * right * slope_of(layer, cell)) / (h0 + h1 + h2 + h3);
    }
    return edge;
}

// Mean of a layer between two shares of its height.
fn mean_between(layer: i32, cell: u32, start: real, end: real) -> real {
    let mean = mean_of(layer, cell);
    let inner = is_there(layer - 1, cell) && is_there(layer + 1, cell);
    if (p.flags & 2u) == 0u || !inner || (start == real(0) && end == real(1)) { return mean; }
    var low = edge_after(layer - 1, cell);
    var high = edge_after(layer, cell);
    let size = high - low;
    let lean = size * (mean - real(0.5) * (low + high));
    if (high - mean) * (mean - low) <= real(0) {
        return mean;
    } else if lean > size * size / real(6) {
        low = real(3) * mean - real(2) * high;
    } else if -lean > size * size / real(6) {
        high = real(3) * mean - real(2) * low;
    }
    let bend = real(6) * (mean - real(0.5) * (low + high));
    return low + real(0.5) * (high - low + bend) * (start + end) - bend * (start * start + start * end + end * end) / real(3);
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
            for (var layer = 0; layer < i32(p.levels); layer++) {
                if is_there(layer, cell) {
                    let value = mean_of(layer, cell);
                    let bottom = edges[layer];
                    let top = edges[layer + 1];
                    if !any && p.beyond_low > 0u { take(&mean, value, min(bottom, high) - low); }
                    let first = max(bottom, low);
                    let end = min(top, high);
                    if end > first {
                        var share = (end - bottom) / (top - bottom);
                        if end == top { share = real(1); }
                        take(&mean, mean_between(layer, cell, (first - bottom) / (top - bottom), share), end - first);
                    }
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
