// Flags of slabs, a bit per cell, to a word per cell of a block, a bit per lane, and back; see blocked_layout.rs.

struct Parameters {
    width: u32,
    n: u32,
    cells: u32,
    // Words of a slab.
    words: u32,
    // Slabs of this block, at most 32.
    slabs: u32,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> before: array<u32>;
@group(0) @binding(1) var<storage, read_write> after: array<u32>;

// An item is a cell.
@compute @workgroup_size(64)
fn to_blocks(@builtin(global_invocation_id) id: vec3<u32>) {
    let cell = id.y * p.width + id.x;
    if cell >= p.n { return; }
    var word = 0u;
    for (var lane = 0u; lane < p.slabs; lane++) {
        word |= ((before[lane * p.words + cell / 32u] >> (cell % 32u)) & 1u) << lane;
    }
    after[cell] = word;
}

// An item is a word of the slabs.
@compute @workgroup_size(64)
fn to_slabs(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = id.y * p.width + id.x;
    if at >= p.n { return; }
    let first = at * 32u;
    let count = select(min(32u, p.cells - first), 0u, first >= p.cells);
    for (var lane = 0u; lane < p.slabs; lane++) {
        var word = 0u;
        for (var k = 0u; k < count; k++) {
            word |= ((before[first + k] >> lane) & 1u) << k;
        }
        after[lane * p.words + at] = word;
    }
}
