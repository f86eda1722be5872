// sparse_apply for one lane: a row an invocation.

// An item is a row.
@compute @workgroup_size(64)
fn rows(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.y * p.width + id.x;
    if row >= p.n { return; }
    let first = row_starts[row] & 0x7fffffffu;
    let end = row_starts[row + 1u] & 0x7fffffffu;
    var sums = no_links();
    for (var k = first; k < end; k++) {
        add_link(&sums, weights[k], columns[k]);
    }
    finish(row, sums, end - first);
}
