// Areas that pairs of cells share, clipped in the tangent plane of the first one; see overlap.rs. Corners are sums of
// two numbers, so that offsets from the plane's centre keep their digits in single precision.

struct Parameters {
    width: u32,
    // Pairs.
    n: u32,
    // Distance from an edge below which a corner counts as on it, and its part that grows with the cell.
    on_line: real,
    on_line_share: real,
}
var<immediate> p: Parameters;

// The pairs.
@group(0) @binding(0) var<storage, read> cells: array<u32>;
@group(0) @binding(1) var<storage, read> subjects: array<u32>;
@group(0) @binding(2) var<storage, read> cell_starts: array<u32>;
@group(0) @binding(3) var<storage, read> cell_corners: array<u32>;
@group(0) @binding(4) var<storage, read> cell_vertices: array<real>;
@group(0) @binding(5) var<storage, read> subject_starts: array<u32>;
@group(0) @binding(6) var<storage, read> subject_corners: array<u32>;
@group(0) @binding(7) var<storage, read> subject_vertices: array<real>;
@group(0) @binding(8) var<storage, read> subject_areas: array<real>;
// -1 where this kernel cannot tell.
@group(0) @binding(9) var<storage, read_write> areas: array<real>;

// Most corners of a cell, and of what clipping leaves of one.
const MOST: u32 = 12u;
const MOST_CLIPPED: u32 = 24u;
// Least cosine of the angle from the centre of a plane.
const LEAST_COSINE: real = real(0.25);

fn cell_high(vertex: u32) -> vec3<real> {
    return vec3<real>(cell_vertices[6u * vertex], cell_vertices[6u * vertex + 1u], cell_vertices[6u * vertex + 2u]);
}

fn cell_low(vertex: u32) -> vec3<real> {
    return vec3<real>(cell_vertices[6u * vertex + 3u], cell_vertices[6u * vertex + 4u], cell_vertices[6u * vertex + 5u]);
}

fn subject_high(vertex: u32) -> vec3<real> {
    return vec3<real>(subject_vertices[6u * vertex], subject_vertices[6u * vertex + 1u], subject_vertices[6u * vertex + 2u]);
}

fn subject_low(vertex: u32) -> vec3<real> {
    return vec3<real>(
        subject_vertices[6u * vertex + 3u],
        subject_vertices[6u * vertex + 4u],
        subject_vertices[6u * vertex + 5u],
    );
}

// Coordinates in the plane, and the cosine of the angle from its centre.
fn project(high: vec3<real>, low: vec3<real>, center: vec3<real>, first: vec3<real>, second: vec3<real>) -> vec3<real> {
    let offset = (high - center) + low;
    let cosine = real(1) + dot(offset, center);
    return vec3<real>(dot(offset, first) / cosine, dot(offset, second) / cosine, cosine);
}

// Length 1: devices may round roots and quotients by some units of the last place, which a step of Newton takes out.
fn unit(v: vec3<real>) -> vec3<real> {
    let u = v / sqrt(dot(v, v));
    return u * (real(1.5) - real(0.5) * dot(u, u));
}

fn turn(a: vec2<real>, b: vec2<real>, c: vec2<real>) -> real {
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

// Area on the sphere of a triangle of the plane.
fn triangle(a: vec2<real>, b: vec2<real>, c: vec2<real>) -> real {
    let la = sqrt(real(1) + dot(a, a));
    let lb = sqrt(real(1) + dot(b, b));
    let lc = sqrt(real(1) + dot(c, c));
    let sum = la * lb * lc + (real(1) + dot(a, b)) * lc + (real(1) + dot(b, c)) * la + (real(1) + dot(c, a)) * lb;
    return real(2) * angle(turn(a, b, c), sum);
}

fn shared_area(cell: u32, subject: u32) -> real {
    let cell_first = cell_starts[cell];
    let edges = cell_starts[cell + 1u] - cell_first;
    let subject_first = subject_starts[subject];
    var count = subject_starts[subject + 1u] - subject_first;
    if edges < 3u || count < 3u { return real(0); }
    if edges > MOST || count > MOST { return real(-1); }

    var center = vec3<real>(real(0));
    for (var k = 0u; k < edges; k++) { center += cell_high(cell_corners[cell_first + k]); }
    center = unit(center);
    // The coordinate axis farthest from the centre gives the best-conditioned pair.
    let size = abs(center);
    var axis = vec3<real>(real(0), real(0), real(1));
    if size.x <= size.y && size.x <= size.z {
        axis = vec3<real>(real(1), real(0), real(0));
    } else if size.y <= size.z {
        axis = vec3<real>(real(0), real(1), real(0));
    }
    let first = unit(cross(axis, center));
    let second = cross(center, first);

    var corners = array<vec2<real>, MOST>();
    var reach = real(0);
    for (var k = 0u; k < edges; k++) {
        let vertex = cell_corners[cell_first + k];
        let q = project(cell_high(vertex), cell_low(vertex), center, first, second);
        if q.z <= LEAST_COSINE { return real(-1); }
        corners[k] = q.xy;
        reach = max(reach, dot(q.xy, q.xy));
    }
    let on_line = p.on_line + p.on_line_share * sqrt(reach);
    var before = array<vec2<real>, MOST_CLIPPED>();
    for (var k = 0u; k < count; k++) {
        let vertex = subject_corners[subject_first + k];
        let q = project(subject_high(vertex), subject_low(vertex), center, first, second);
        if q.z <= LEAST_COSINE { return real(-1); }
        before[k] = q.xy;
    }

    var whole = true;
    for (var edge = 0u; edge < edges; edge++) {
        let a = corners[edge];
        var b = corners[0];
        if edge + 1u < edges { b = corners[edge + 1u]; }
        let along = b - a;
        // A repeated corner is no edge.
        if along.x == real(0) && along.y == real(0) { continue; }
        let tolerance = on_line * sqrt(dot(along, along));
        var least = turn(a, b, before[0]);
        var greatest = least;
        for (var k = 1u; k < count; k++) {
            let side = turn(a, b, before[k]);
            least = min(least, side);
            greatest = max(greatest, side);
        }
        if greatest <= tolerance { return real(0); }
        if least >= -tolerance { continue; }
        whole = false;
        var after = array<vec2<real>, MOST_CLIPPED>();
        var left = 0u;
        var q = before[0];
        var t = turn(a, b, q);
        let q_first = q;
        let t_first = t;
        for (var k = 0u; k < count; k++) {
            let here = q;
            let s = t;
            if k + 1u < count {
                q = before[k + 1u];
                t = turn(a, b, q);
            } else {
                q = q_first;
                t = t_first;
            }
            if left + 2u > MOST_CLIPPED { return real(-1); }
            if s >= -tolerance {
                after[left] = here;
                left++;
            }
            if (s > tolerance && t < -tolerance) || (s < -tolerance && t > tolerance) {
                after[left] = here + (s / (s - t)) * (q - here);
                left++;
            }
        }
        before = after;
        count = left;
        if count < 3u { return real(0); }
    }
    if whole { return subject_areas[subject]; }
    var area = real(0);
    for (var k = 2u; k < count; k++) { area += triangle(before[0], before[k - 1u], before[k]); }
    return area;
}

// An item is a pair.
@compute @workgroup_size(64)
fn pair_areas(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    areas[i] = shared_area(cells[i], subjects[i]);
}
