// sparse_apply where no value is missing: sums and the range of the values alone.

// First link of each row; the highest bit marks means.
@group(0) @binding(0) var<storage, read> row_starts: array<u32>;
@group(0) @binding(1) var<storage, read> columns: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<real>;
@group(0) @binding(3) var<storage, read> source: array<vec4<stored>>;
@group(0) @binding(4) var<storage, read_write> destination: array<vec4<stored>>;
// A word per cell, a bit per lane.
@group(0) @binding(5) var<storage, read_write> destination_valid: array<u32>;

@compute @workgroup_size(64)
fn full_rows_by_quads(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = id.y * p.width + id.x;
    if item >= p.n { return; }
    let row = item / p.quads;
    let quad = item % p.quads;
    let head = row_starts[row];
    let first = head & 0x7fffffffu;
    let end = row_starts[row + 1u] & 0x7fffffffu;
    if end - first > p.longest { return; }
    let zero = vec4<real>(real(0));
    var sum = zero;
    var least = vec4<stored>(stored(0));
    var greatest = least;
    for (var k = first; k < end; k += 4u) {
        let links = four_links(k, end);
        let inside = are_inside(k, end);
        let x = source[columns[links.x] * p.quads + quad];
        let y = source[columns[links.y] * p.quads + quad];
        let z = source[columns[links.z] * p.quads + quad];
        let u = source[columns[links.w] * p.quads + quad];
        sum += weights[links.x] * vec4<real>(x);
        sum += weights[links.y] * select(zero, vec4<real>(y), inside.y);
        sum += weights[links.z] * select(zero, vec4<real>(z), inside.z);
        sum += weights[links.w] * select(zero, vec4<real>(u), inside.w);
        // A NaN here is one in the sum as well, which no range holds.
        let low = min(min(x, y), min(z, u));
        let high = max(max(x, y), max(z, u));
        least = select(min(least, low), low, k == first);
        greatest = select(max(greatest, high), high, k == first);
    }
    if (p.flags & 4u) != 0u && (head >> 31u) == 1u {
        sum = select(sum, vec4<real>(least), sum < vec4<real>(least));
        sum = select(sum, vec4<real>(greatest), sum > vec4<real>(greatest));
    }
    destination[(p.first_row + row) * p.quads + quad] = vec4<stored>(sum);
    if (p.flags & 2u) != 0u && quad == 0u {
        let all = 0xffffffffu >> (32u - 4u * p.quads);
        destination_valid[p.first_row + row] = select(0u, all, first < end);
    }
}
