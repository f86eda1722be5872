// destination_i = sum over k of weight_k * source[column_k], a block of slabs at once; see sparse_apply.rs.

struct Parameters {
    width: u32,
    // Rows times quads of lanes.
    n: u32,
    // First row of this part of the rows.
    first_row: u32,
    // Lanes of a block by four.
    quads: u32,
    // What missing values do: 0 propagate, 1 keep, 2 renormalize.
    policy: u32,
    // 1: source values may be missing; 2: flags are written; 4: means are kept in the range of their sources.
    flags: u32,
    least_share: real,
    // Weights whose sum is a smaller part of their magnitude have cancelled one another.
    uncancelled: real,
}
var<immediate> p: Parameters;

// First link of each row; the highest bit marks means.
@group(0) @binding(0) var<storage, read> row_starts: array<u32>;
@group(0) @binding(1) var<storage, read> columns: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<real>;
@group(0) @binding(3) var<storage, read> source: array<vec4<stored>>;
// A word per cell, a bit per lane.
@group(0) @binding(4) var<storage, read> source_valid: array<u32>;
@group(0) @binding(5) var<storage, read_write> destination: array<vec4<stored>>;
@group(0) @binding(6) var<storage, read_write> destination_valid: array<atomic<u32>>;

fn lanes_of(word: u32, quad: u32) -> vec4<bool> {
    return ((vec4<u32>(word >> (4u * quad)) >> vec4<u32>(0u, 1u, 2u, 3u)) & vec4<u32>(1u)) == vec4<u32>(1u);
}

// An item is a row and four lanes.
@compute @workgroup_size(64)
fn rows_by_quads(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = id.y * p.width + id.x;
    if item >= p.n { return; }
    let row = item / p.quads;
    let quad = item % p.quads;
    let head = row_starts[row];
    let first = head & 0x7fffffffu;
    let end = row_starts[row + 1u] & 0x7fffffffu;
    let masked = (p.flags & 1u) != 0u;
    let zero = vec4<real>(real(0));
    var sum = zero;
    var share = zero;
    var magnitude = zero;
    var links = vec4<u32>(0u);
    var total = real(0);
    var total_magnitude = real(0);
    // Beyond all single-precision numbers but infinity is not needed: the first valid value replaces them.
    var least = zero;
    var greatest = zero;
    for (var k = first; k < end; k++) {
        let w = weights[k];
        let column = columns[k];
        var present = vec4<bool>(true);
        if masked { present = lanes_of(source_valid[column], quad); }
        // Selected first: what lies under the mask may be NaN.
        let x = select(zero, vec4<real>(source[column * p.quads + quad]), present);
        sum += w * x;
        total += w;
        total_magnitude += abs(w);
        share += select(zero, vec4<real>(w), present);
        magnitude += select(zero, vec4<real>(abs(w)), present);
        let fresh = links == vec4<u32>(0u);
        least = select(least, x, present & (fresh | (x < least)));
        greatest = select(greatest, x, present & (fresh | (x > greatest)));
        links += select(vec4<u32>(0u), vec4<u32>(1u), present);
    }
    let whole = links == vec4<u32>(end - first);
    var valid = links > vec4<u32>(0u);
    var scale = vec4<real>(real(1));
    var bounded = whole;
    if p.policy == 0u {
        valid = valid & whole;
    } else {
        let enough = (abs(share) > p.uncancelled * magnitude)
            & (magnitude >= vec4<real>(p.least_share * total_magnitude));
        valid = valid & (whole | enough);
        if p.policy == 2u {
            scale = select(total / share, scale, whole);
            bounded = vec4<bool>(true);
        }
    }
    var value = sum * scale;
    if (p.flags & 4u) != 0u && (head >> 31u) == 1u {
        value = select(value, least, bounded & (value < least));
        value = select(value, greatest, bounded & (value > greatest));
    }
    destination[(p.first_row + row) * p.quads + quad] = vec4<stored>(select(zero, value, valid));
    if (p.flags & 2u) != 0u {
        let bits = select(vec4<u32>(0u), vec4<u32>(1u, 2u, 4u, 8u), valid);
        let all = bits.x | bits.y | bits.z | bits.w;
        // The other quads of the row share the word.
        atomicAnd(&destination_valid[p.first_row + row], ~(15u << (4u * quad)));
        atomicOr(&destination_valid[p.first_row + row], all << (4u * quad));
    }
}
