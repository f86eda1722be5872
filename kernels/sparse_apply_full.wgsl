// sparse_apply where no value is missing: sums and the range of the values alone.

@group(0) @binding(4) var<storage, read_write> destination: array<vec4<stored>>;
// A word per cell, a bit per lane.
@group(0) @binding(5) var<storage, read_write> destination_valid: array<u32>;

@compute @workgroup_size(64)
fn full_rows_by_quads(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = id.y * p.width + id.x;
    if item >= p.n { return; }
    let row = item >> p.quad_bits;
    let quad = item & ((1u << p.quad_bits) - 1u);
    let head = row_starts[row];
    let first = head & 0x7fffffffu;
    let end = row_starts[row + 1u] & 0x7fffffffu;
    if end - first > p.longest { return; }
    var sum = vec4<real>(real(0));
    // Two links at a time: their loads wait together, and most rows are short.
    var k = first;
    if (p.flags & 4u) == 0u || (head >> 31u) == 0u || first == end {
        for (; k + 1u < end; k += 2u) {
            let x = source[place(columns[k], quad)];
            let y = source[place(columns[k + 1u], quad)];
            sum += weights[k] * vec4<real>(x);
            sum += weights[k + 1u] * vec4<real>(y);
        }
        if k < end { sum += weights[k] * vec4<real>(source[place(columns[k], quad)]); }
    } else {
        // A NaN among the values is one in the sum as well, which no range holds.
        var least = source[place(columns[first], quad)];
        var greatest = least;
        for (; k + 1u < end; k += 2u) {
            let x = source[place(columns[k], quad)];
            let y = source[place(columns[k + 1u], quad)];
            sum += weights[k] * vec4<real>(x);
            sum += weights[k + 1u] * vec4<real>(y);
            least = min(least, min(x, y));
            greatest = max(greatest, max(x, y));
        }
        if k < end {
            let x = source[place(columns[k], quad)];
            sum += weights[k] * vec4<real>(x);
            least = min(least, x);
            greatest = max(greatest, x);
        }
        sum = select(sum, vec4<real>(least), sum < vec4<real>(least));
        sum = select(sum, vec4<real>(greatest), sum > vec4<real>(greatest));
    }
    destination[place(p.first_row + row, quad)] = vec4<stored>(sum);
    if (p.flags & 2u) != 0u && quad == 0u {
        let all = 0xffffffffu >> (32u - (4u << p.quad_bits));
        destination_valid[p.first_row + row] = select(0u, all, first < end);
    }
}
