// Areas that cells of rows share with cells of rows about the same pole; see shared/product_items.wgsl.

@group(0) @binding(5) var<storage, read> heights: array<real>;
@group(0) @binding(6) var<storage, read> widths: array<real>;
// First link of each item.
@group(0) @binding(7) var<storage, read> starts: array<u32>;
@group(0) @binding(8) var<storage, read_write> subjects: array<u32>;
@group(0) @binding(9) var<storage, read_write> areas: array<real>;

@compute @workgroup_size(64)
fn fill(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    let item = item_of(i);
    if !takes_part(0u, item.cell) { return; }
    let height = heights[item.lat];
    var at = starts[i];
    for (var k = lon_starts[item.column]; k < lon_starts[item.column + 1u]; k++) {
        let other = item.other + lon_others[k];
        if takes_part(p.others, other) {
            subjects[at] = other;
            areas[at] = height * widths[k];
            at++;
        }
    }
}
