// sparse_apply for one lane: a row an invocation.

@group(0) @binding(6) var<storage, read_write> destination_valid: array<u32>;

// An item is a row.
@compute @workgroup_size(64)
fn rows(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.y * p.width + id.x;
    if row >= p.n { return; }
    let head = row_starts[row];
    let first = head & 0x7fffffffu;
    let end = row_starts[row + 1u] & 0x7fffffffu;
    if end - first > p.longest { return; }
    var sums = no_links();
    for (var k = first; k < end; k += 4u) { add_four(&sums, k, 1u, end, p.lane); }
    let made = result(sums, end - first, (head >> 31u) == 1u);
    destination[p.first_row + row] = stored(made.value);
    if (p.flags & 2u) != 0u { destination_valid[p.first_row + row] = u32(made.valid); }
}
