// Columns at other levels, a block of targets at once; see vertical.rs.
// Flags, beside those of shared/columns.wgsl: 2, each cell has levels of its own, laid out as the values; 4, monotone cubics
// in place of lines.

// Ascending.
@group(0) @binding(2) var<storage, read> levels: array<real>;
@group(0) @binding(3) var<storage, read> own_levels: array<stored>;
@group(0) @binding(4) var<storage, read> targets: array<real>;
@group(0) @binding(5) var<storage, read_write> results: array<stored>;
@group(0) @binding(6) var<storage, read_write> results_valid: array<u32>;

// A level with its value.
struct Point {
    z: real,
    value: real,
}

fn point(level: u32, cell: u32) -> Point {
    let at = element(level, cell);
    var z = real(0);
    if (p.flags & 2u) != 0u { z = real(own_levels[at]); } else { z = levels[level]; }
    return Point(z, real(values[at]));
}

fn rise(a: Point, b: Point) -> real {
    return (b.value - a.value) / (b.z - a.z);
}

// Slope at `b` between its neighbours: the harmonic mean, 0 at an extreme.
fn inner_slope(a: Point, b: Point, c: Point) -> real {
    let before = rise(a, b);
    let after = rise(b, c);
    if before * after <= real(0) { return real(0); }
    let w1 = real(2) * (c.z - b.z) + (b.z - a.z);
    let w2 = (c.z - b.z) + real(2) * (b.z - a.z);
    return (w1 + w2) / (w1 / before + w2 / after);
}

// Slope at the end `a` of three levels.
fn end_slope(a: Point, b: Point, c: Point) -> real {
    let h0 = abs(b.z - a.z);
    let h1 = abs(c.z - b.z);
    let first = rise(a, b);
    let second = rise(b, c);
    let slope = ((real(2) * h0 + h1) * first - h0 * second) / (h0 + h1);
    if slope * first <= real(0) { return real(0); }
    if first * second <= real(0) && abs(slope) > real(3) * abs(first) { return real(3) * first; }
    return slope;
}

// Slope at an end with `count` levels from it on.
fn slope_at_end(a: Point, b: Point, c: Point, count: u32) -> real {
    if count < 2u { return real(0); }
    if count == 2u { return rise(a, b); }
    return end_slope(a, b, c);
}

// An item is a cell.
@compute @workgroup_size(64)
fn at_levels(@builtin(global_invocation_id) id: vec3<u32>) {
    let cell = id.y * p.width + id.x;
    if cell >= p.n { return; }
    var word = 0u;
    for (var lane = 0u; lane < p.to_lanes; lane++) {
        var result = real(0);
        if lane < p.targets {
            let target_z = targets[p.first_target + lane];
            // Up to three levels not above the target, the last one first, and three above it.
            var below = array<Point, 3>();
            var above = array<Point, 3>();
            var count_below = 0u;
            var count_above = 0u;
            for (var level = 0u; level < p.levels; level++) {
                if has_value(level, cell) {
                    let here = point(level, cell);
                    if here.z <= target_z {
                        below[2] = below[1];
                        below[1] = below[0];
                        below[0] = here;
                        count_below++;
                    } else if count_above < 3u {
                        above[count_above] = here;
                        count_above++;
                    }
                }
            }
            var found = false;
            // A comparison with NaN is false: no target, no value.
            if target_z == target_z {
                if count_below > 0u && below[0].z == target_z {
                    result = below[0].value;
                    found = true;
                } else if count_below > 0u && count_above > 0u {
                    found = true;
                    let h = above[0].z - below[0].z;
                    let t = (target_z - below[0].z) / h;
                    let up = above[0].value - below[0].value;
                    if (p.flags & 4u) == 0u {
                        result = below[0].value + t * up;
                    } else {
                        var low_slope = real(0);
                        if count_below > 1u {
                            low_slope = inner_slope(below[1], below[0], above[0]);
                        } else {
                            low_slope = slope_at_end(below[0], above[0], above[1], 1u + count_above);
                        }
                        var high_slope = real(0);
                        if count_above > 1u {
                            high_slope = inner_slope(below[0], above[0], above[1]);
                        } else {
                            high_slope = slope_at_end(above[0], below[0], below[1], 1u + count_below);
                        }
                        let s = h * low_slope;
                        let e = h * high_slope;
                        result = below[0].value + t * (s + t * ((real(3) * up - real(2) * s - e) + t * (s + e - real(2) * up)));
                    }
                } else if count_above > 0u && p.beyond_low > 0u {
                    found = true;
                    result = above[0].value;
                    if p.beyond_low == 2u && count_above > 1u {
                        if (p.flags & 4u) == 0u {
                            let t = (target_z - above[0].z) / (above[1].z - above[0].z);
                            result = above[0].value + t * (above[1].value - above[0].value);
                        } else {
                            let slope = slope_at_end(above[0], above[1], above[2], count_above);
                            result = above[0].value + slope * (target_z - above[0].z);
                        }
                    }
                } else if count_below > 0u && p.beyond_high > 0u {
                    found = true;
                    result = below[0].value;
                    if p.beyond_high == 2u && count_below > 1u {
                        if (p.flags & 4u) == 0u {
                            let t = (target_z - below[1].z) / (below[0].z - below[1].z);
                            result = below[1].value + t * (below[0].value - below[1].value);
                        } else {
                            let slope = slope_at_end(below[0], below[1], below[2], count_below);
                            result = below[0].value + slope * (target_z - below[0].z);
                        }
                    }
                }
            }
            if found { word |= 1u << lane; } else { result = real(0); }
        }
        results[cell * p.to_lanes + lane] = stored(result);
    }
    results_valid[cell] = word;
}
