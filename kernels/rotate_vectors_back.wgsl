// Cartesian vectors along the axes of each cell; see rotate_vectors.rs.

struct Parameters {
    width: u32,
    n: u32,
    lanes: u32,
    flags: u32,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> x: array<stored>;
@group(0) @binding(1) var<storage, read> y: array<stored>;
@group(0) @binding(2) var<storage, read> z: array<stored>;
// Those of x, y and z are the same.
@group(0) @binding(3) var<storage, read> vector_valid: array<u32>;
@group(0) @binding(4) var<storage, read> axes: array<real>;
@group(0) @binding(5) var<storage, read_write> u: array<stored>;
@group(0) @binding(6) var<storage, read_write> v: array<stored>;
@group(0) @binding(7) var<storage, read_write> valid: array<u32>;

// An item is a value.
@compute @workgroup_size(64)
fn from_cartesian(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = id.y * p.width + id.x;
    if item >= p.n { return; }
    let cell = item / p.lanes;
    let lane = item % p.lanes;
    var present = true;
    if (p.flags & 1u) != 0u {
        let word = vector_valid[cell];
        present = ((word >> lane) & 1u) == 1u;
        if lane == 0u { valid[cell] = word; }
    }
    let a = vec3<real>(axes[6u * cell], axes[6u * cell + 1u], axes[6u * cell + 2u]);
    let b = vec3<real>(axes[6u * cell + 3u], axes[6u * cell + 4u], axes[6u * cell + 5u]);
    let vector = vec3<real>(real(x[item]), real(y[item]), real(z[item]));
    let along_a = dot(vector, a);
    let along_b = dot(vector, b);
    let skew = dot(a, b);
    let square = real(1) - skew * skew;
    var first = along_a;
    var second = real(0);
    // Parallel axes have no plane; their common direction is all there is.
    if square >= real(1e-12) {
        first = (along_a - skew * along_b) / square;
        second = (along_b - skew * along_a) / square;
    }
    u[item] = stored(select(real(0), first, present));
    v[item] = stored(select(real(0), second, present));
}
