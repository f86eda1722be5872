// The first of the polygons in a cube that contains a point, and the point's weights there; see polygon_hash.rs and
// bilinear.rs.

struct Parameters {
    width: u32,
    // Points.
    n: u32,
    // Cubes along an edge.
    side: u32,
    // Polygons that are looked at before the search is given up.
    budget: u32,
    // Distance from an edge up to which a point is inside.
    tolerance: real,
    // Least coordinates of the cubes, and cubes along a unit of length.
    low_x: real,
    low_y: real,
    low_z: real,
    scale: real,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> points: array<real>;
@group(0) @binding(1) var<storage, read> cube_starts: array<u32>;
@group(0) @binding(2) var<storage, read> cube_polygons: array<u32>;
@group(0) @binding(3) var<storage, read> corner_starts: array<u32>;
@group(0) @binding(4) var<storage, read> corners: array<u32>;
@group(0) @binding(5) var<storage, read> nodes: array<real>;
// Number of the polygon; all bits set where there is none, all but the last where the search was given up.
@group(0) @binding(6) var<storage, read_write> found: array<u32>;
// MOST a point.
@group(0) @binding(7) var<storage, read_write> weights: array<real>;

const MOST: u32 = 8u;
// Least cosine of the angle of a corner from the point.
const LEAST_COSINE: real = real(1e-3);
const NONE: u32 = 0xffffffffu;
const GIVEN_UP: u32 = 0xfffffffeu;

// The polygon in the plane that touches the sphere at the point, and the weights.
var<private> plane: array<vec2<real>, MOST>;
var<private> shares: array<real, MOST>;

fn cube_of(x: real, low: real) -> u32 {
    return u32(clamp(i32((x - low) * p.scale), 0, i32(p.side) - 1));
}

fn cross2(a: vec2<real>, b: vec2<real>) -> real {
    return a.x * b.y - a.y * b.x;
}

// Whether a corner after another leaves the origin outside, beyond what edges are wide.
fn is_left(a: vec2<real>, b: vec2<real>) -> bool {
    let edge = b - a;
    return cross2(a, b) < -p.tolerance * sqrt(dot(edge, edge));
}

// Whether a polygon contains the point, which has two axes of its plane.
fn holds(first: u32, count: u32, here: vec3<real>, along: vec3<real>, across: vec3<real>) -> bool {
    var start = vec2<real>(real(0));
    var before = start;
    for (var k = 0u; k < count; k++) {
        let node = corners[first + k];
        let offset = vec3<real>(nodes[3u * node], nodes[3u * node + 1u], nodes[3u * node + 2u]) - here;
        let cosine = real(1) + dot(offset, here);
        if cosine <= LEAST_COSINE { return false; }
        let corner = vec2<real>(dot(offset, along), dot(offset, across)) / cosine;
        if k == 0u { start = corner; } else if is_left(before, corner) { return false; }
        if k < MOST { plane[k] = corner; }
        before = corner;
    }
    return !is_left(before, start);
}

fn of_triangle() -> bool {
    let a = cross2(plane[1], plane[2]);
    let b = cross2(plane[2], plane[0]);
    let c = cross2(plane[0], plane[1]);
    let sum = a + b + c;
    if !(sum > real(0)) { return false; }
    shares[0] = max(a / sum, real(0));
    shares[1] = max(b / sum, real(0));
    shares[2] = max(c / sum, real(0));
    return true;
}

fn outside(t: real) -> real {
    return max(max(-t, t - real(1)), real(0));
}

// Of a + u e + v f + u v g = 0 for some v, u and how far both are outside of 0 to 1.
fn candidate(v: real, a: vec2<real>, e: vec2<real>, f: vec2<real>, g: vec2<real>) -> vec2<real> {
    let left = a + v * f;
    let right = e + v * g;
    let square = dot(right, right);
    if !(square > real(0)) { return vec2<real>(real(0), real(1e30)); }
    let u = -dot(left, right) / square;
    return vec2<real>(u, outside(u) + outside(v));
}

fn of_quadrangle() -> bool {
    let a = plane[0];
    let e = plane[1] - a;
    let f = plane[3] - a;
    let g = a - plane[1] + plane[2] - plane[3];
    let k2 = cross2(f, g);
    let k1 = cross2(f, e) + cross2(a, g);
    let k0 = cross2(a, e);
    let root = sqrt(max(k1 * k1 - real(4) * k0 * k2, real(0)));
    let q = real(-0.5) * (k1 + select(root, -root, k1 < real(0)));
    var u = real(0);
    var v = real(0);
    var miss = real(1e30);
    if q != real(0) {
        v = k0 / q;
        let other = candidate(v, a, e, f, g);
        u = other.x;
        miss = other.y;
    }
    if k2 != real(0) && abs(q) < real(1e30) * abs(k2) {
        let other = candidate(q / k2, a, e, f, g);
        if other.y < miss {
            v = q / k2;
            u = other.x;
            miss = other.y;
        }
    }
    if !(miss < real(1e-6)) { return false; }
    // One Newton step takes back what the elimination lost in thin quadrangles.
    let residual = a + u * e + v * f + u * v * g;
    let du = e + v * g;
    let dv = f + u * g;
    let det = cross2(du, dv);
    if det != real(0) {
        let step_u = cross2(residual, dv) / det;
        let step_v = cross2(du, residual) / det;
        if abs(step_u) + abs(step_v) < real(1e-3) + miss {
            u -= step_u;
            v -= step_v;
        }
    }
    u = clamp(u, real(0), real(1));
    v = clamp(v, real(0), real(1));
    shares[0] = (real(1) - u) * (real(1) - v);
    shares[1] = u * (real(1) - v);
    shares[2] = u * v;
    shares[3] = (real(1) - u) * v;
    return true;
}

// tan of half the angle in which an edge is seen, finite next to it.
fn half_tangent(a: vec2<real>, b: vec2<real>) -> real {
    let lengths = sqrt(dot(a, a) * dot(b, b));
    let sine = max(cross2(a, b), real(1e-30) + p.tolerance * real(1e-3) * lengths);
    let cosine = dot(a, b);
    if cosine > real(0) { return sine / (lengths + cosine); }
    return (lengths - cosine) / sine;
}

fn of_more(count: u32) -> bool {
    for (var k = 0u; k < count; k++) { shares[k] = real(0); }
    for (var k = 0u; k < count; k++) {
        let next = select(k + 1u, 0u, k + 1u == count);
        let edge = plane[next] - plane[k];
        let t = clamp(-dot(plane[k], edge) / dot(edge, edge), real(0), real(1));
        let nearest = plane[k] + t * edge;
        if dot(nearest, nearest) <= p.tolerance * p.tolerance {
            // On an edge the formula is 0/0; its limit is linear.
            shares[k] = real(1) - t;
            shares[next] = t;
            return true;
        }
    }
    for (var k = 0u; k < count; k++) {
        let next = select(k + 1u, 0u, k + 1u == count);
        let tangent = half_tangent(plane[k], plane[next]);
        shares[k] += tangent;
        shares[next] += tangent;
    }
    for (var k = 0u; k < count; k++) { shares[k] /= sqrt(dot(plane[k], plane[k])); }
    return true;
}

fn weigh(count: u32) -> bool {
    if count == 3u { return of_triangle(); }
    if count == 4u { return of_quadrangle(); }
    return of_more(count);
}

// An item is a point.
@compute @workgroup_size(64)
fn containing(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    let here = vec3<real>(points[3u * i], points[3u * i + 1u], points[3u * i + 2u]);
    let cube = (cube_of(here.z, p.low_z) * p.side + cube_of(here.y, p.low_y)) * p.side + cube_of(here.x, p.low_x);
    let end = cube_starts[cube + 1u];
    // The coordinate axis farthest from the point gives the best-conditioned pair.
    let size = abs(here);
    var axis = vec3<real>(real(0), real(0), real(1));
    if size.x <= size.y && size.x <= size.z {
        axis = vec3<real>(real(1), real(0), real(0));
    } else if size.y <= size.z {
        axis = vec3<real>(real(0), real(1), real(0));
    }
    var along = cross(axis, here);
    along = along / sqrt(dot(along, along));
    let across = cross(here, along);
    var result = NONE;
    var count = 0u;
    for (var k = cube_starts[cube]; k < end; k++) {
        let polygon = cube_polygons[k];
        let first = corner_starts[polygon];
        count = corner_starts[polygon + 1u] - first;
        let is_too_long = k - cube_starts[cube] >= p.budget;
        if !is_too_long && !holds(first, count, here, along, across) { continue; }
        if is_too_long || count > MOST {
            result = GIVEN_UP;
            break;
        }
        if weigh(count) {
            result = polygon;
            break;
        }
    }
    found[i] = result;
    if result < GIVEN_UP {
        for (var k = 0u; k < count; k++) { weights[MOST * i + k] = shares[k]; }
    }
}
