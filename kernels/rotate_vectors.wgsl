// Horizontal vectors as Cartesian ones and back, element by element of a block; see rotate_vectors.rs.

struct Parameters {
    width: u32,
    // Cells times lanes.
    n: u32,
    lanes: u32,
    // 1: values may be missing, and flags are written.
    flags: u32,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> u: array<stored>;
@group(0) @binding(1) var<storage, read> u_valid: array<u32>;
@group(0) @binding(2) var<storage, read> v: array<stored>;
@group(0) @binding(3) var<storage, read> v_valid: array<u32>;
// Two axes a cell, three components each.
@group(0) @binding(4) var<storage, read> axes: array<real>;
@group(0) @binding(5) var<storage, read_write> x: array<stored>;
@group(0) @binding(6) var<storage, read_write> y: array<stored>;
@group(0) @binding(7) var<storage, read_write> z: array<stored>;
@group(0) @binding(8) var<storage, read_write> valid: array<u32>;

// An item is a value.
@compute @workgroup_size(64)
fn to_cartesian(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = id.y * p.width + id.x;
    if item >= p.n { return; }
    let cell = item / p.lanes;
    let lane = item % p.lanes;
    var present = true;
    if (p.flags & 1u) != 0u {
        let word = u_valid[cell] & v_valid[cell];
        present = ((word >> lane) & 1u) == 1u;
        if lane == 0u { valid[cell] = word; }
    }
    let a = vec3<real>(axes[6u * cell], axes[6u * cell + 1u], axes[6u * cell + 2u]);
    let b = vec3<real>(axes[6u * cell + 3u], axes[6u * cell + 4u], axes[6u * cell + 5u]);
    let zero = vec3<real>(real(0));
    let vector = select(zero, real(u[item]) * a + real(v[item]) * b, present);
    x[item] = stored(vector.x);
    y[item] = stored(vector.y);
    z[item] = stored(vector.z);
}
