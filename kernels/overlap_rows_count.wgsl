// How many cells of rows each polygon may reach into; see shared/row_windows.wgsl.

@group(0) @binding(5) var<storage, read_write> counts: array<u32>;

// An item is a polygon.
@compute @workgroup_size(64)
fn count(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    var found = 0u;
    for (var band = windows[2u * i]; band < windows[2u * i + 1u]; band++) {
        for (var walk = start(i, band); reaches(walk); walk = go_on(walk)) {
            if columns[walk.first + walk.at] != 0xffffffffu { found++; }
        }
    }
    counts[i] = found;
}
