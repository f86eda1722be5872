// Areas of great-circle polygons; see cell_area.rs. Corners are sums of two numbers, so that differences of single
// precision keep their digits.

struct Parameters {
    width: u32,
    n: u32,
}
var<immediate> p: Parameters;

// First corner of each polygon, and the number of corners at the end.
@group(0) @binding(0) var<storage, read> corner_starts: array<u32>;
// Vertex of each corner.
@group(0) @binding(1) var<storage, read> corners: array<u32>;
// Six numbers a vertex: x, y, z and what is left of them.
@group(0) @binding(2) var<storage, read> vertices: array<real>;
@group(0) @binding(3) var<storage, read_write> areas: array<real>;

fn high(vertex: u32) -> vec3<real> {
    return vec3<real>(vertices[6u * vertex], vertices[6u * vertex + 1u], vertices[6u * vertex + 2u]);
}

fn low(vertex: u32) -> vec3<real> {
    return vec3<real>(vertices[6u * vertex + 3u], vertices[6u * vertex + 4u], vertices[6u * vertex + 5u]);
}

// An item is a polygon.
@compute @workgroup_size(64)
fn polygon_areas(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    let first = corner_starts[i];
    let end = corner_starts[i + 1u];
    var area = real(0);
    if end > first + 2u {
        let a = high(corners[first]);
        let a_low = low(corners[first]);
        var b = high(corners[first + 1u]);
        var ab = (b - a) + (low(corners[first + 1u]) - a_low);
        for (var k = first + 2u; k < end; k++) {
            let c = high(corners[k]);
            let ac = (c - a) + (low(corners[k]) - a_low);
            let determinant = dot(a, cross(ab, ac));
            let sum = real(1) + dot(a, b) + dot(b, c) + dot(c, a);
            area += real(2) * angle(determinant, sum);
            b = c;
            ab = ac;
        }
    }
    areas[i] = area;
}
