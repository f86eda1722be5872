// A level of a river network by the kinematic wave; see river_routing/kinematic.rs.

struct Parameters {
    width: u32,
    n: u32,
    // Where the level begins in `order`.
    first: u32,
    alpha: real,
    beta: real,
    // 1/β.
    power: real,
    // Step over length of the channel.
    ratio: real,
    seconds: real,
    least_discharge: real,
    least_area: real,
}
var<immediate> p: Parameters;

// Cells, sources first.
@group(0) @binding(0) var<storage, read> order: array<u32>;
// Cells that drain into cell i: upstream[starts[i]..starts[i + 1]].
@group(0) @binding(1) var<storage, read> starts: array<u32>;
@group(0) @binding(2) var<storage, read> upstream: array<u32>;
@group(0) @binding(3) var<storage, read> old: array<stored>;
@group(0) @binding(4) var<storage, read> lateral: array<stored>;
@group(0) @binding(5) var<storage, read_write> now: array<stored>;

fn discharge(inflow: real, old: real, lateral: real) -> real {
    let known = p.ratio * inflow + p.alpha * pow_of(old, p.beta) + p.seconds * lateral;
    if known <= p.least_area { return p.least_discharge; }
    var area = min(known, p.alpha * pow_of(known / p.ratio, p.beta));
    for (var k = 0u; k < 60u; k++) {
        let out = p.ratio * pow_of(area / p.alpha, p.power);
        let next = area - (out + area - known) / (real(1) + p.power * out / area);
        if next >= area { break; }
        area = next;
    }
    return max(pow_of(area / p.alpha, p.power), p.least_discharge);
}

@compute @workgroup_size(64)
fn level(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    let cell = order[p.first + i];
    var inflow = real(0);
    for (var k = starts[cell]; k < starts[cell + 1u]; k++) { inflow += real(now[upstream[k]]); }
    now[cell] = stored(discharge(inflow, real(old[cell]), real(lateral[cell])));
}
