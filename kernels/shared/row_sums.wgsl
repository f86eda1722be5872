// What is called and bound, and sums of a row for one lane of the source, for sparse_apply_single and sparse_apply_long.

struct Parameters {
    width: u32,
    n: u32,
    first_row: u32,
    policy: u32,
    flags: u32,
    // Lanes of a block of the source, and the one that is taken.
    lanes: u32,
    lane: u32,
    least_share: real,
    uncancelled: real,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> row_starts: array<u32>;
@group(0) @binding(1) var<storage, read> columns: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<real>;
@group(0) @binding(3) var<storage, read> source: array<stored>;
@group(0) @binding(4) var<storage, read> source_valid: array<u32>;
@group(0) @binding(5) var<storage, read_write> destination: array<stored>;
@group(0) @binding(6) var<storage, read_write> destination_valid: array<u32>;

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

fn add_link(sums: ptr<function, RowSums>, w: real, column: u32) {
    (*sums).total += w;
    (*sums).total_magnitude += abs(w);
    if (p.flags & 1u) != 0u && (source_valid[column] >> p.lane & 1u) == 0u { return; }
    let x = real(source[column * p.lanes + p.lane]);
    (*sums).sum += w * x;
    (*sums).share += w;
    (*sums).magnitude += abs(w);
    let fresh = (*sums).links == 0u;
    (*sums).least = select((*sums).least, x, fresh || x < (*sums).least);
    (*sums).greatest = select((*sums).greatest, x, fresh || x > (*sums).greatest);
    (*sums).links += 1u;
}

fn finish(row: u32, sums: RowSums, count: u32) {
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
    if (p.flags & 4u) != 0u && (row_starts[row] >> 31u) == 1u && bounded {
        value = select(value, sums.least, value < sums.least);
        value = select(value, sums.greatest, value > sums.greatest);
    }
    destination[p.first_row + row] = stored(select(real(0), value, valid));
    if (p.flags & 2u) != 0u { destination_valid[p.first_row + row] = u32(valid); }
}
