// The cells around points between reduced rows, and bilinear weights; see reduced_location.rs.

struct Parameters {
    width: u32,
    // Points.
    n: u32,
    rows: u32,
    turn: real,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> y_axis: array<real>;
// Columns of each row, and its first cell.
@group(0) @binding(1) var<storage, read> row_cells: array<u32>;
// Two numbers a point.
@group(0) @binding(2) var<storage, read> points: array<real>;
// Four a point; all bits set outside.
@group(0) @binding(3) var<storage, read_write> centers: array<u32>;
@group(0) @binding(4) var<storage, read_write> weights: array<real>;

// Number of rows up to a latitude.
fn rows_up_to(y: real) -> u32 {
    var low = 0u;
    var high = p.rows;
    while low < high {
        let middle = (low + high) / 2u;
        if y_axis[middle] <= y { low = middle + 1u; } else { high = middle; }
    }
    return low;
}

// Writes the cells of a row around a longitude; gives the part of the way to the second one.
fn along(row: u32, x: real, at: u32, inside: bool) -> real {
    let columns = row_cells[2u * row];
    let first = row_cells[2u * row + 1u];
    let position = x / p.turn * real(columns);
    let left = floor(position);
    let column = u32(left);
    centers[at] = select(0xffffffffu, first + column % columns, inside);
    centers[at + 1u] = select(0xffffffffu, first + (column + 1u) % columns, inside);
    return position - left;
}

// An item is a point.
@compute @workgroup_size(64)
fn locate(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    let x = points[2u * i];
    let y = points[2u * i + 1u];
    let inside = y >= y_axis[0] && y <= y_axis[p.rows - 1u];
    let above = clamp(rows_up_to(y), 1u, max(p.rows, 2u) - 1u);
    let south = above - 1u;
    let north = min(above, p.rows - 1u);
    let height = y_axis[north] - y_axis[south];
    var t = real(0);
    if height > real(0) { t = clamp((y - y_axis[south]) / height, real(0), real(1)); }
    let s = along(south, x, 4u * i, inside);
    let u = along(north, x, 4u * i + 2u, inside);
    weights[4u * i] = (real(1) - t) * (real(1) - s);
    weights[4u * i + 1u] = (real(1) - t) * s;
    weights[4u * i + 2u] = t * (real(1) - u);
    weights[4u * i + 3u] = t * u;
}
