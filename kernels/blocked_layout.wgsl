// Slabs of a field to a block and back; see blocked_layout.rs. One block a dispatch.

struct Parameters {
    width: u32,
    n: u32,
    cells: u32,
    lanes: u32,
    // Slabs of this block, at most `lanes`.
    slabs: u32,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> slab_values: array<stored>;
@group(0) @binding(1) var<storage, read_write> block_values: array<stored>;

// An item is a cell.
@compute @workgroup_size(64)
fn to_blocks(@builtin(global_invocation_id) id: vec3<u32>) {
    let cell = id.y * p.width + id.x;
    if cell >= p.n { return; }
    for (var lane = 0u; lane < p.lanes; lane++) {
        var value = stored(0);
        if lane < p.slabs { value = slab_values[lane * p.cells + cell]; }
        block_values[cell * p.lanes + lane] = value;
    }
}
