// Memory to memory, as fast as it goes.

struct Parameters {
    width: u32,
    n: u32,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> before: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> after: array<vec4<u32>>;

// An item is a vector.
@compute @workgroup_size(64)
fn copy(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    after[i] = before[i];
}
