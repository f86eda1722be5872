// destination_i = sum over k of weight_k * source[column_k], a block of slabs at once; see sparse_apply.rs.

// A word per cell, a bit per lane.
@group(0) @binding(4) var<storage, read> source_valid: array<u32>;
@group(0) @binding(5) var<storage, read_write> destination: array<vec4<stored>>;
@group(0) @binding(6) var<storage, read_write> destination_valid: array<atomic<u32>>;

struct QuadSums {
    sum: vec4<real>,
    share: vec4<real>,
    magnitude: vec4<real>,
    total: real,
    total_magnitude: real,
    least: vec4<real>,
    greatest: vec4<real>,
    links: vec4<u32>,
}

fn lanes_of(word: u32, quad: u32) -> vec4<bool> {
    return ((vec4<u32>(word >> (4u * quad)) >> vec4<u32>(0u, 1u, 2u, 3u)) & vec4<u32>(1u)) == vec4<u32>(1u);
}

fn add_link(sums: ptr<function, QuadSums>, w: real, value: vec4<stored>, present: vec4<bool>) {
    let zero = vec4<real>(real(0));
    // Selected first: what lies under the mask may be NaN.
    let x = select(zero, vec4<real>(value), present);
    (*sums).sum += w * x;
    (*sums).total += w;
    (*sums).total_magnitude += abs(w);
    (*sums).share += select(zero, vec4<real>(w), present);
    (*sums).magnitude += select(zero, vec4<real>(abs(w)), present);
    let fresh = (*sums).links == vec4<u32>(0u);
    (*sums).least = select((*sums).least, x, present & (fresh | (x < (*sums).least)));
    (*sums).greatest = select((*sums).greatest, x, present & (fresh | (x > (*sums).greatest)));
    (*sums).links += select(vec4<u32>(0u), vec4<u32>(1u), present);
}

@compute @workgroup_size(64)
fn rows_by_quads(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = id.y * p.width + id.x;
    if item >= p.n { return; }
    let row = item >> p.quad_bits;
    let quad = item & ((1u << p.quad_bits) - 1u);
    let head = row_starts[row];
    let first = head & 0x7fffffffu;
    let end = row_starts[row + 1u] & 0x7fffffffu;
    if end - first > p.longest { return; }
    let zero = vec4<real>(real(0));
    var sums = QuadSums(zero, zero, zero, real(0), real(0), zero, zero, vec4<u32>(0u));
    // Two links at a time: their loads wait together, and most rows are short.
    var k = first;
    for (; k + 1u < end; k += 2u) {
        let at = vec2<u32>(columns[k], columns[k + 1u]);
        let x = source[place(at.x, quad)];
        let y = source[place(at.y, quad)];
        let words = vec2<u32>(source_valid[at.x], source_valid[at.y]);
        add_link(&sums, weights[k], x, lanes_of(words.x, quad));
        add_link(&sums, weights[k + 1u], y, lanes_of(words.y, quad));
    }
    if k < end { add_link(&sums, weights[k], source[place(columns[k], quad)], lanes_of(source_valid[columns[k]], quad)); }
    let whole = sums.links == vec4<u32>(end - first);
    var valid = sums.links > vec4<u32>(0u);
    var scale = vec4<real>(real(1));
    var bounded = whole;
    if p.policy == 0u {
        valid = valid & whole;
    } else {
        let enough = (abs(sums.share) > p.uncancelled * sums.magnitude)
            & (sums.magnitude >= vec4<real>(p.least_share * sums.total_magnitude));
        valid = valid & (whole | enough);
        if p.policy == 2u {
            scale = select(sums.total / sums.share, scale, whole);
            bounded = vec4<bool>(true);
        }
    }
    var value = sums.sum * scale;
    if (p.flags & 4u) != 0u && (head >> 31u) == 1u {
        value = select(value, sums.least, bounded & (value < sums.least));
        value = select(value, sums.greatest, bounded & (value > sums.greatest));
    }
    destination[place(p.first_row + row, quad)] = vec4<stored>(select(zero, value, valid));
    if (p.flags & 2u) != 0u {
        let bits = select(vec4<u32>(0u), vec4<u32>(1u, 2u, 4u, 8u), valid);
        let all = bits.x | bits.y | bits.z | bits.w;
        // The other quads of the row share the word.
        atomicAnd(&destination_valid[p.first_row + row], ~(15u << (4u * quad)));
        atomicOr(&destination_valid[p.first_row + row], all << (4u * quad));
    }
}
