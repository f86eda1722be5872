// What is called and bound, and sums of a row for one lane, for sparse_apply_single and sparse_apply_long.

struct Parameters {
    width: u32,
    n: u32,
    first_row: u32,
    // Rows with more links are left to sparse_apply_long.
    longest: u32,
    // Lanes of a block of the source, how many of them are taken, and the first.
    lanes: u32,
    taken: u32,
    lane: u32,
    policy: u32,
    flags: u32,
    least_share: real,
    uncancelled: real,
}
var<immediate> p: Parameters;

// First link of each row; the highest bit marks means.
@group(0) @binding(0) var<storage, read> row_starts: array<u32>;
@group(0) @binding(1) var<storage, read> columns: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<real>;
@group(0) @binding(3) var<storage, read> source: array<stored>;
@group(0) @binding(4) var<storage, read> source_valid: array<u32>;
@group(0) @binding(5) var<storage, read_write> destination: array<stored>;

struct RowSums {
    sum: real,
    share: real,
    magnitude: real,
    total: real,
    total_magnitude: real,
    least: real,
    greatest: real,
    links: u32,
}

fn no_links() -> RowSums {
    return RowSums(real(0), real(0), real(0), real(0), real(0), real(0), real(0), 0u);
}

fn add_link(sums: ptr<function, RowSums>, w: real, value: stored, present: bool) {
    (*sums).total += w;
    (*sums).total_magnitude += abs(w);
    if !present { return; }
    let x = real(value);
    (*sums).sum += w * x;
    (*sums).share += w;
    (*sums).magnitude += abs(w);
    let fresh = (*sums).links == 0u;
    (*sums).least = select((*sums).least, x, fresh || x < (*sums).least);
    (*sums).greatest = select((*sums).greatest, x, fresh || x > (*sums).greatest);
    (*sums).links += 1u;
}

// Links `k`, `k` + `step` and so on, four of them before `end`, loaded together.
fn add_four(sums: ptr<function, RowSums>, k: u32, step: u32, end: u32, lane: u32) {
    let at = vec4<u32>(k) + step * vec4<u32>(0u, 1u, 2u, 3u);
    let inside = at < vec4<u32>(end);
    let links = min(at, vec4<u32>(end - 1u));
    let cells = vec4<u32>(columns[links.x], columns[links.y], columns[links.z], columns[links.w]);
    let w = vec4<real>(weights[links.x], weights[links.y], weights[links.z], weights[links.w]);
    let at_lane = cells * p.lanes + lane;
    let x = vec4<stored>(source[at_lane.x], source[at_lane.y], source[at_lane.z], source[at_lane.w]);
    var present = vec4<bool>(true);
    if (p.flags & 1u) != 0u {
        let words = vec4<u32>(source_valid[cells.x], source_valid[cells.y], source_valid[cells.z], source_valid[cells.w]);
        present = (words >> vec4<u32>(lane) & vec4<u32>(1u)) == vec4<u32>(1u);
    }
    if inside.x { add_link(sums, w.x, x.x, present.x); }
    if inside.y { add_link(sums, w.y, x.y, present.y); }
    if inside.z { add_link(sums, w.z, x.z, present.z); }
    if inside.w { add_link(sums, w.w, x.w, present.w); }
}

struct Result {
    value: real,
    valid: bool,
}

fn result(sums: RowSums, count: u32, is_mean: bool) -> Result {
    let whole = sums.links == count;
    var valid = sums.links > 0u;
    var scale = real(1);
    var bounded = whole;
    if p.policy == 0u {
        valid = valid && whole;
    } else {
        let enough = abs(sums.share) > p.uncancelled * sums.magnitude
            && sums.magnitude >= p.least_share * sums.total_magnitude;
        valid = valid && (whole || enough);
        if p.policy == 2u {
            if !whole { scale = sums.total / sums.share; }
            bounded = true;
        }
    }
    var value = sums.sum * scale;
    if (p.flags & 4u) != 0u && is_mean && bounded {
        value = select(value, sums.least, value < sums.least);
        value = select(value, sums.greatest, value > sums.greatest);
    }
    return Result(select(real(0), value, valid), valid);
}
