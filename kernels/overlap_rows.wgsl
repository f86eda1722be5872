// Areas that polygons share with cells between two parallels and two meridians; see overlap_rows.rs.
//
// An area is the sum over the polygon's edges of ∫ (z - m) dλ, z the sine of the edge's latitude held between those of the
// cell's parallels, m one in the middle. All numbers are differences from the cell, of coordinates in two parts. South of
// the equator the picture is mirrored, so that edges rise between their ends.

struct Parameters {
    width: u32,
    // Pairs.
    n: u32,
    // Half a turn, in two parts.
    half_turn: real,
    half_turn_low: real,
}
var<immediate> p: Parameters;

// The pairs: polygons, bands, and the parts of these.
@group(0) @binding(0) var<storage, read> polygons: array<u32>;
@group(0) @binding(1) var<storage, read> bands: array<u32>;
@group(0) @binding(2) var<storage, read> pair_parts: array<u32>;
@group(0) @binding(3) var<storage, read> corner_starts: array<u32>;
// Longitude, sine and cosine of latitude of each corner, two numbers each.
@group(0) @binding(4) var<storage, read> corners: array<real>;
// Sine and cosine of each parallel, two numbers each, and the difference of sines to the next.
@group(0) @binding(5) var<storage, read> parallels: array<real>;
// Longitude of the middle of each part, in two numbers, and half its width.
@group(0) @binding(6) var<storage, read> parts: array<real>;
@group(0) @binding(7) var<storage, read_write> areas: array<real>;

// Sine and cosine of a latitude.
struct Latitude {
    sin: real,
    sin_low: real,
    cos: real,
    cos_low: real,
}

// Longitude east of the cell's middle, rise of the sine of latitude above the lower parallel, cosine of latitude.
struct Point {
    lon: real,
    rise: real,
    cos: real,
}

struct Cell {
    half_width: real,
    // Sine of the lower parallel, and how far above it the middle and the upper one are.
    sin: real,
    middle: real,
    top: real,
}

// Of |x| < 2.2: Taylor, the first term left out is below 3e-19.
fn sine(x: real) -> real {
    let x2 = x * x;
    var sum = real(1);
    for (var k = 25; k > 1; k -= 2) { sum = real(1) - x2 / real(k * (k - 1)) * sum; }
    return x * sum;
}

// Sine of a minus sine of b. It is mirrored afterwards: drivers take common factors out of sums, and digits with them.
fn rise(a: Latitude, b: Latitude) -> real {
    let sum = a.sin + b.sin;
    // Near a pole sines have fewer digits than cosines.
    if abs(b.sin) > real(0.8) && abs(sum) > real(1) {
        return ((b.cos - a.cos) + (b.cos_low - a.cos_low)) * (a.cos + b.cos) / sum;
    }
    return (a.sin - b.sin) + (a.sin_low - b.sin_low);
}

fn corner(k: u32) -> Latitude {
    return Latitude(corners[6u * k + 2u], corners[6u * k + 3u], corners[6u * k + 4u], corners[6u * k + 5u]);
}

fn parallel(k: u32) -> Latitude {
    return Latitude(parallels[5u * k], parallels[5u * k + 1u], parallels[5u * k + 2u], parallels[5u * k + 3u]);
}

fn chord2(a: Point, b: Point) -> real {
    let half_width = sine(real(0.5) * (b.lon - a.lon));
    let up = b.rise - a.rise;
    let out = b.cos - a.cos;
    return up * up + out * out + real(4) * a.cos * b.cos * half_width * half_width;
}

// Length of the vector at the part t of a chord, and rise of its direction; `sin` is that of the lower parallel.
fn length_at(t: real, square: real) -> real {
    return sqrt(real(1) - t * (real(1) - t) * square);
}

fn rise_at(a: Point, b: Point, t: real, square: real, sin: real) -> real {
    let size = length_at(t, square);
    let sagitta = t * (real(1) - t) * square / (real(1) + size);
    return ((real(1) - t) * a.rise + t * b.rise + sin * sagitta) / size;
}

// Where the arc meets a meridian between its ends.
fn at_meridian(a: Point, b: Point, lon: real, sin: real) -> Point {
    let from_a = a.cos * sine(lon - a.lon);
    let from_b = b.cos * sine(b.lon - lon);
    let t = from_a / (from_a + from_b);
    let square = chord2(a, b);
    let cosine = a.cos * b.cos * sine(b.lon - a.lon) / ((from_a + from_b) * length_at(t, square));
    return Point(lon, rise_at(a, b, t, square, sin), cosine);
}

// The parts of a chord between which its arc is beyond a parallel, on the side of the pole that is nearer; `a` and `b` are
// the rises of its ends above that, `sin` its sine.
fn beyond(a_rise: real, b_rise: real, square: real, sin: real) -> vec2<real> {
    let side = select(real(1), real(-1), sin < real(0));
    let a = side * a_rise;
    let b = side * b_rise;
    // The arc is at a + (b - a) t + bulge(t) t (1 - t), bulge all but constant.
    let most = abs(sin) * square;
    let bulge = most / (real(1) + length_at(real(0.5), square));
    if a > real(0) && b > real(0) { return vec2<real>(real(0), real(1)); }
    let slope = b - a + bulge;
    let square_root = slope * slope + real(4) * bulge * a;
    let top = slope / (real(2) * bulge);
    if a <= real(0) && b <= real(0) && !(bulge > real(0) && square_root > real(0) && top > real(0) && top < real(1)) {
        return vec2<real>(real(1), real(1));
    }
    let root = sqrt(max(square_root, real(0)));
    let q = real(0.5) * (slope + select(root, -root, slope < real(0)));
    // Of the two roots, q / bulge and -a / q, the first may be infinite and is not wanted then.
    var first = real(0);
    var last = real(1);
    if a <= real(0) { first = select(q / bulge, -a / q, slope >= real(0)); }
    if b <= real(0) { last = select(-a / q, q / bulge, slope >= real(0)); }
    var highest = real(1);
    var lowest = real(0);
    if a <= real(0) && b <= real(0) {
        highest = top;
        lowest = top;
    }
    for (var k = 0u; k < 3u; k++) {
        if a <= real(0) { first = clamp(first - newton(first, a, b, most, square), real(0), highest); }
        if b <= real(0) { last = clamp(last - newton(last, a, b, most, square), lowest, real(1)); }
    }
    return vec2<real>(first, last);
}

// Newton's step towards the parallel.
fn newton(t: real, a: real, b: real, most: real, square: real) -> real {
    let both = t * (real(1) - t);
    let size = length_at(t, square);
    let bulge = most / (real(1) + size);
    let value = (real(1) - t) * a + t * b + bulge * both;
    let slope = b - a + (real(1) - real(2) * t) * bulge * (real(1) + both * square / (real(2) * size * (real(1) + size)));
    return select(real(0), value / slope, abs(slope) > real(1e-30));
}

// For 0 <= t < 0.42 atan(t), and atan(t x) - x atan(t): what is between an arc and a parallel; `rest` is 1 - x^2.
fn angle_and_lens(t: real, x: real, rest: real) -> vec2<real> {
    let t2 = t * t;
    let x2 = x * x;
    var power = real(1);
    var powers = real(1);
    var lens = real(0);
    var angle = real(1);
    for (var k = 0u; k < 22u; k++) {
        let of_next = power * t2;
        if of_next < real(1e-18) && k > 0u { break; }
        let sign = select(real(-1), real(1), (k & 1u) == 0u);
        lens += sign * power * powers / real(2u * k + 3u);
        angle -= sign * of_next / real(2u * k + 3u);
        power = of_next;
        powers = real(1) + x2 * powers;
    }
    return vec2<real>(t * angle, x * rest * t * t2 * lens);
}

// ∫ (z - m) dλ along an arc within the cell's meridians, from west to east.
fn along(a: Point, b: Point, cell: Cell) -> real {
    let sin = cell.sin;
    let top = cell.top;
    let square = chord2(a, b);
    let half_width = sine(real(0.5) * (b.lon - a.lon));
    let cosine = real(1) - real(2) * half_width * half_width;
    let crossed = a.cos * b.cos * real(2) * half_width * sqrt(real(1) - half_width * half_width);
    let low = beyond(a.rise, b.rise, square, sin);
    let high = beyond(a.rise - top, b.rise - top, square, sin + top);
    // Two ordered pairs, merged.
    let inner = vec2<real>(max(low.x, high.x), min(low.y, high.y));
    var ends = array<real, 6>(
        real(0), min(low.x, high.x), min(inner.x, inner.y), max(inner.x, inner.y), max(low.y, high.y), real(1),
    );
    var total = real(0);
    for (var k = 0u; k < 5u; k++) {
        let s = ends[k];
        let t = ends[k + 1u];
        if t <= s { continue; }
        let middle = rise_at(a, b, real(0.5) * (s + t), square, sin);
        // The horizontal parts of the two vectors, and the tangent of half the angle between them.
        let u = real(1) - s;
        let v = real(1) - t;
        let at_s = sqrt(u * u * a.cos * a.cos + real(2) * u * s * a.cos * b.cos * cosine + s * s * b.cos * b.cos);
        let at_t = sqrt(v * v * a.cos * a.cos + real(2) * v * t * a.cos * b.cos * cosine + t * t * b.cos * b.cos);
        let product = u * v * a.cos * a.cos + (s * v + t * u) * a.cos * b.cos * cosine + s * t * b.cos * b.cos;
        var tangent = half_width / sqrt(real(1) - half_width * half_width);
        if t - s < real(1) { tangent = (t - s) * crossed / (at_s * at_t + product); }
        let rise_s = rise_at(a, b, s, square, sin);
        let rise_t = rise_at(a, b, t, square, sin);
        let cos_s = at_s / length_at(s, square);
        let cos_t = at_t / length_at(t, square);
        // 1 - cos of the difference of latitudes; the arc's integral from the equator is 2 atan(x tangent).
        let rest = real(0.5) * ((rise_s - rise_t) * (rise_s - rise_t) + (cos_s - cos_t) * (cos_s - cos_t));
        let above = (rise_s + rise_t + sin * rest) / (real(2) - rest);
        let both = angle_and_lens(tangent, sin + above, real(2) * cos_s * cos_t / (real(2) - rest));
        if middle <= real(0) {
            total -= real(2) * cell.middle * both.x;
        } else if middle >= top {
            total += real(2) * (top - cell.middle) * both.x;
        } else {
            total += real(2) * ((above - cell.middle) * both.x + both.y);
        }
    }
    return total;
}

fn edge(a: Point, b: Point, cell: Cell) -> real {
    if b.lon < a.lon { return -eastward(b, a, cell); }
    return eastward(a, b, cell);
}

fn eastward(a: Point, b: Point, cell: Cell) -> real {
    let half_width = cell.half_width;
    let sin = cell.sin;
    if b.lon <= -half_width || a.lon >= half_width || a.lon == b.lon { return real(0); }
    var west = a;
    var east = b;
    if a.lon < -half_width { west = at_meridian(a, b, -half_width, sin); }
    if b.lon > half_width { east = at_meridian(a, b, half_width, sin); }
    return along(west, east, cell);
}

fn shared_area(polygon: u32, band: u32, part: u32) -> real {
    let first = corner_starts[polygon];
    let end = corner_starts[polygon + 1u];
    if end - first < 3u { return real(0); }
    // Mirrored where most of the cell lies south.
    let is_south = parallels[5u * band] + parallels[5u * (band + 1u)] < real(0);
    let mirror = select(real(1), real(-1), is_south);
    var lower = parallel(select(band, band + 1u, is_south));
    var top = parallels[5u * band + 4u];
    var lowest = first;
    var highest = first;
    for (var k = first + 1u; k < end; k++) {
        if mirror * rise(corner(k), corner(lowest)) < real(0) { lowest = k; }
        if mirror * rise(corner(k), corner(highest)) > real(0) { highest = k; }
    }
    let gap = mirror * rise(corner(lowest), lower);
    if mirror * lower.sin >= real(0) && gap > real(0) {
        // A small polygon in a tall cell is measured from its lowest corner.
        if gap >= top { return real(0); }
        lower = corner(lowest);
        top -= gap;
    }
    let reach = clamp(mirror * rise(corner(highest), lower), real(0), top);
    let cell = Cell(parts[3u * part + 2u], mirror * lower.sin, real(0.5) * reach, top);
    let middle = parts[3u * part];
    let middle_low = parts[3u * part + 1u];
    // The polygon may lie on the other side of the seam; longitudes are within half a turn and a little.
    let turns = round((corners[6u * first] - middle) / (real(2) * p.half_turn));
    let shift = turns * p.half_turn;
    let shift_low = real(2) * turns * p.half_turn_low;
    var area = real(0);
    var before = Point();
    for (var k = first; k <= end; k++) {
        let at = select(k, first, k == end);
        let lon = ((corners[6u * at] - shift) - (middle + shift)) + ((corners[6u * at + 1u] - middle_low) - shift_low);
        let latitude = corner(at);
        let here = Point(lon, mirror * rise(latitude, lower), latitude.cos);
        if k > first { area -= edge(before, here, cell); }
        before = here;
    }
    return max(mirror * area, real(0));
}

// An item is a pair.
@compute @workgroup_size(64)
fn pair_areas(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    areas[i] = shared_area(polygons[i], bands[i], pair_parts[i]);
}
