// A block of a field back to slabs; see blocked_layout.rs.

struct Parameters {
    width: u32,
    n: u32,
    cells: u32,
    lanes: u32,
    slabs: u32,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> block_values: array<stored>;
@group(0) @binding(1) var<storage, read_write> slab_values: array<stored>;

// An item is a cell.
@compute @workgroup_size(64)
fn to_slabs(@builtin(global_invocation_id) id: vec3<u32>) {
    let cell = id.y * p.width + id.x;
    if cell >= p.n { return; }
    for (var lane = 0u; lane < p.slabs; lane++) {
        slab_values[lane * p.cells + cell] = block_values[cell * p.lanes + lane];
    }
}
