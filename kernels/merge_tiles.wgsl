// One value for a cell that several surfaces share; see merge_tiles.rs.

struct Parameters {
    width: u32,
    n: u32,
    // Values and flags from a slab to the next.
    stride: u32,
    flag_stride: u32,
    // 1: values may be missing.
    masked: u32,
    // Number of surfaces.
    tiles: u32,
}
var<immediate> p: Parameters;

// A slab of each surface.
@group(0) @binding(0) var<storage, read> fractions: array<stored>;
@group(0) @binding(1) var<storage, read> values: array<stored>;
// A word per value, 0 where it is missing.
@group(0) @binding(2) var<storage, read> values_valid: array<u32>;
@group(0) @binding(3) var<storage, read_write> merged: array<stored>;
@group(0) @binding(4) var<storage, read_write> merged_valid: array<u32>;

@compute @workgroup_size(64)
fn merge(@builtin(global_invocation_id) id: vec3<u32>) {
    let cell = id.y * p.width + id.x;
    if cell >= p.n { return; }
    var sum = real(0);
    var there = 1u;
    for (var tile = 0u; tile < p.tiles; tile++) {
        let at = tile * p.stride + cell;
        let fraction = real(fractions[at]);
        if fraction != real(0) {
            if p.masked != 0u && (values_valid[tile * p.flag_stride + cell] & 1u) == 0u {
                there = 0u;
            } else {
                sum += fraction * real(values[at]);
            }
        }
    }
    merged[cell] = stored(select(real(0), sum, there != 0u));
    merged_valid[cell] = there;
}
