// The nearest of points in cubes, by rings of cubes; see point_hash.rs.

struct Parameters {
    width: u32,
    // Targets.
    n: u32,
    // Cubes along an edge.
    side: u32,
    // Cubes and points that are looked at before the search is given up.
    budget: u32,
    tie: real,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> targets: array<real>;
@group(0) @binding(1) var<storage, read> starts: array<u32>;
@group(0) @binding(2) var<storage, read> ids: array<u32>;
@group(0) @binding(3) var<storage, read> points: array<real>;
// Number of the nearest point; all bits set where the search was given up.
@group(0) @binding(4) var<storage, read_write> nearest: array<u32>;

fn cube_of(x: real) -> i32 {
    return min(i32((x + real(1)) * real(0.5) * real(p.side)), i32(p.side) - 1);
}

// An item is a target.
@compute @workgroup_size(64)
fn nearest_points(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    let here = vec3<real>(targets[3u * i], targets[3u * i + 1u], targets[3u * i + 2u]);
    let center = vec3<i32>(cube_of(here.x), cube_of(here.y), cube_of(here.z));
    let side = i32(p.side);
    let cube_width = real(2) / real(p.side);
    var found = 0xffffffffu;
    var least = real(8);
    var trips = 0u;
    var given_up = false;
    for (var ring = 0; ring < side; ring++) {
        // Cubes beyond this ring are farther than whole cubes between.
        if found != 0xffffffffu && least + p.tie < real(ring - 1) * cube_width { break; }
        let low = max(center - vec3<i32>(ring), vec3<i32>(0));
        let high = min(center + vec3<i32>(ring), vec3<i32>(side - 1));
        for (var z = low.z; z <= high.z; z++) {
            for (var y = low.y; y <= high.y; y++) {
                let is_face = abs(z - center.z) == ring || abs(y - center.y) == ring;
                // Of other rows only the two ends lie on the ring.
                var x = low.x;
                loop {
                    if x > high.x || given_up { break; }
                    trips++;
                    if is_face || abs(x - center.x) == ring {
                        let cube = u32((z * side + y) * side + x);
                        for (var k = starts[cube]; k < starts[cube + 1u]; k++) {
                            trips++;
                            if trips > p.budget { break; }
                            let d = vec3<real>(points[3u * k], points[3u * k + 1u], points[3u * k + 2u]) - here;
                            let chord = sqrt(dot(d, d));
                            if chord < least - p.tie || found == 0xffffffffu {
                                found = ids[k];
                            } else if chord <= least + p.tie {
                                found = min(found, ids[k]);
                            }
                            least = min(least, chord);
                        }
                    }
                    if trips > p.budget { given_up = true; }
                    if !is_face && x < center.x && center.x + ring <= high.x { x = center.x + ring; } else { x++; }
                }
                if given_up { break; }
            }
            if given_up { break; }
        }
        if given_up { break; }
    }
    nearest[i] = select(found, 0xffffffffu, given_up);
}
