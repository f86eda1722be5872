// The parts of bands that polygons may reach into, for overlap_rows_count and overlap_rows_fill.

struct Parameters {
    width: u32,
    // Polygons.
    n: u32,
    turn: real,
    // By which rounding may shift a longitude.
    margin: real,
}
var<immediate> p: Parameters;

// First band of each polygon, and the one after the last.
@group(0) @binding(0) var<storage, read> windows: array<u32>;
// Westernmost longitude of each polygon, and its extent.
@group(0) @binding(1) var<storage, read> spans: array<real>;
// First part of each band, number of parts (0: nobody's), and first cell.
@group(0) @binding(2) var<storage, read> rows: array<u32>;
// As in overlap_rows.wgsl.
@group(0) @binding(3) var<storage, read> parts: array<real>;
// Column of each part; all bits set where it is nobody's.
@group(0) @binding(4) var<storage, read> columns: array<u32>;

fn west_of(part: u32) -> real {
    return parts[3u * part] - parts[3u * part + 2u] + parts[3u * part + 1u];
}

// Less whole turns.
fn turned(x: real) -> real {
    return x - p.turn * floor(x / p.turn);
}

// A walk eastward along a band.
struct Walk {
    first: u32,
    count: u32,
    // How far it has come, and where the polygon ends, both east of the first part.
    at: u32,
    turned: real,
    end: real,
    steps: u32,
}

fn start(polygon: u32, band: u32) -> Walk {
    let first = rows[3u * band];
    let count = rows[3u * band + 1u];
    if count == 0u { return Walk(first, 0u, 0u, real(0), real(0), 0u); }
    let origin = west_of(first);
    let x = turned(spans[2u * polygon] - p.margin - origin);
    var low = 0u;
    var high = count;
    while low < high {
        let middle = (low + high) / 2u;
        if turned(west_of(first + middle) - origin) <= x { low = middle + 1u; } else { high = middle; }
    }
    return Walk(first, count, max(low, 1u) - 1u, real(0), x + spans[2u * polygon + 1u] + real(2) * p.margin, 0u);
}

// Whether the polygon reaches the part where the walk is.
fn reaches(walk: Walk) -> bool {
    if walk.steps == walk.count { return false; }
    return walk.steps == 0u || turned(west_of(walk.first + walk.at) - west_of(walk.first)) + walk.turned <= walk.end;
}

fn go_on(walk: Walk) -> Walk {
    var next = walk;
    next.steps += 1u;
    next.at += 1u;
    if next.at == walk.count {
        next.at = 0u;
        next.turned = p.turn;
    }
    return next;
}
