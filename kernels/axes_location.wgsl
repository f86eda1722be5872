// The centers around points of a rectilinear grid, and bilinear weights; see axes_location.rs.

struct Parameters {
    width: u32,
    // Points.
    n: u32,
    columns: u32,
    rows: u32,
    period: real,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> x_axis: array<real>;
@group(0) @binding(1) var<storage, read> y_axis: array<real>;
// Two numbers a point.
@group(0) @binding(2) var<storage, read> points: array<real>;
// Four a point; all bits set outside.
@group(0) @binding(3) var<storage, read_write> centers: array<u32>;
@group(0) @binding(4) var<storage, read_write> weights: array<real>;

// Number of lines up to a coordinate.
fn columns_up_to(x: real) -> u32 {
    var low = 0u;
    var high = p.columns;
    while low < high {
        let middle = (low + high) / 2u;
        if x_axis[middle] <= x { low = middle + 1u; } else { high = middle; }
    }
    return low;
}

fn rows_up_to(y: real) -> u32 {
    var low = 0u;
    var high = p.rows;
    while low < high {
        let middle = (low + high) / 2u;
        if y_axis[middle] <= y { low = middle + 1u; } else { high = middle; }
    }
    return low;
}

// An item is a point.
@compute @workgroup_size(64)
fn locate(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    let x = points[2u * i];
    let y = points[2u * i + 1u];
    var inside = y >= y_axis[0] && y <= y_axis[p.rows - 1u];
    let above = clamp(rows_up_to(y), 1u, p.rows);
    let south = above - 1u;
    let north = min(above, p.rows - 1u);
    var t = real(0);
    if north > south { t = (y - y_axis[south]) / (y_axis[north] - y_axis[south]); }
    let after = columns_up_to(x);
    let last = p.columns - 1u;
    var west = last;
    var east = last;
    var s = real(0);
    if after > 0u && after < p.columns {
        west = after - 1u;
        east = after;
        s = (x - x_axis[west]) / (x_axis[east] - x_axis[west]);
    } else if p.period > real(0) {
        east = 0u;
        var from_last = x - x_axis[last];
        if after == 0u { from_last += p.period; }
        s = from_last / (x_axis[0] + p.period - x_axis[last]);
    } else {
        inside = inside && after == p.columns && x == x_axis[last];
    }
    let outside = 0xffffffffu;
    centers[4u * i] = select(outside, south * p.columns + west, inside);
    centers[4u * i + 1u] = select(outside, south * p.columns + east, inside);
    centers[4u * i + 2u] = select(outside, north * p.columns + west, inside);
    centers[4u * i + 3u] = select(outside, north * p.columns + east, inside);
    weights[4u * i] = (real(1) - s) * (real(1) - t);
    weights[4u * i + 1u] = s * (real(1) - t);
    weights[4u * i + 2u] = (real(1) - s) * t;
    weights[4u * i + 3u] = s * t;
}
