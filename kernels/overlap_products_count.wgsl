// How many cells of the other grid an item shares area with; see shared/product_items.wgsl.

@group(0) @binding(5) var<storage, read_write> counts: array<u32>;

@compute @workgroup_size(64)
fn count(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    let item = item_of(i);
    var found = 0u;
    if takes_part(0u, item.cell) {
        for (var k = lon_starts[item.column]; k < lon_starts[item.column + 1u]; k++) {
            if takes_part(p.others, item.other + lon_others[k]) { found++; }
        }
    }
    counts[i] = found;
}
