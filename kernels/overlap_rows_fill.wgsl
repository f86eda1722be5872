// The cells of rows that each polygon may reach into; see shared/row_windows.wgsl.

// First pair of each polygon.
@group(0) @binding(5) var<storage, read> starts: array<u32>;
@group(0) @binding(6) var<storage, read_write> polygons: array<u32>;
@group(0) @binding(7) var<storage, read_write> bands: array<u32>;
@group(0) @binding(8) var<storage, read_write> pair_parts: array<u32>;
@group(0) @binding(9) var<storage, read_write> subjects: array<u32>;

// An item is a polygon.
@compute @workgroup_size(64)
fn fill(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    var at = starts[i];
    for (var band = windows[2u * i]; band < windows[2u * i + 1u]; band++) {
        for (var walk = start(i, band); reaches(walk); walk = go_on(walk)) {
            let column = columns[walk.first + walk.at];
            if column == 0xffffffffu { continue; }
            polygons[at] = i;
            bands[at] = band;
            pair_parts[at] = walk.first + walk.at;
            subjects[at] = rows[3u * band + 2u] + column;
            at++;
        }
    }
}
