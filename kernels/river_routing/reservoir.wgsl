// A level of a river network by linear reservoirs; see river_routing/reservoir.rs.

struct Parameters {
    width: u32,
    n: u32,
    // Where the level begins in `order`.
    first: u32,
    // Values from a slab to the next.
    stride: u32,
    seconds: real,
}
var<immediate> p: Parameters;

// Cells, sources first.
@group(0) @binding(0) var<storage, read> order: array<u32>;
// Cells that drain into cell i: upstream[starts[i]..starts[i + 1]].
@group(0) @binding(1) var<storage, read> starts: array<u32>;
@group(0) @binding(2) var<storage, read> upstream: array<u32>;
// Slabs of residence and of the part of what is held that leaves in a step.
@group(0) @binding(3) var<storage, read> channel: array<stored>;
@group(0) @binding(4) var<storage, read> local: array<stored>;
@group(0) @binding(5) var<storage, read_write> held: array<stored>;
@group(0) @binding(6) var<storage, read_write> outflow: array<stored>;

@compute @workgroup_size(64)
fn level(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    let cell = order[p.first + i];
    var above = real(0);
    for (var k = starts[cell]; k < starts[cell + 1u]; k++) { above += real(outflow[upstream[k]]); }
    let inflow = real(local[cell]) + above;
    let before = real(held[cell]);
    let change = (inflow * real(channel[cell]) - before) * real(channel[p.stride + cell]);
    held[cell] = stored(before + change);
    outflow[cell] = stored(inflow - change / p.seconds);
}
