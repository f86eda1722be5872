// sparse_apply for long rows: a workgroup does up to four lanes of a row, each by as many invocations as there are; these
// take every so manieth link and are then added in a tree.

@group(0) @binding(6) var<storage, read_write> destination_valid: array<atomic<u32>>;
// The rows that are long.
@group(0) @binding(7) var<storage, read> long_rows: array<u32>;

var<workgroup> parts: array<RowSums, 64>;

fn joined(a: RowSums, b: RowSums) -> RowSums {
    var all = RowSums(
        a.sum + b.sum,
        a.share + b.share,
        a.magnitude + b.magnitude,
        a.total + b.total,
        a.total_magnitude + b.total_magnitude,
        a.least,
        a.greatest,
        a.links + b.links,
    );
    if b.links > 0u {
        all.least = select(a.least, b.least, a.links == 0u || b.least < a.least);
        all.greatest = select(a.greatest, b.greatest, a.links == 0u || b.greatest > a.greatest);
    }
    return all;
}

// An item is some lanes of a row.
@compute @workgroup_size(64)
fn long_rows_by_parts(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) own: u32) {
    let item = group.y * (p.width / 64u) + group.x;
    if item >= p.n { return; }
    let together = min(p.taken, 4u);
    let groups = p.taken / together;
    let row = long_rows[item / groups];
    let first_lane = item % groups * together;
    let lane = first_lane + own % together;
    let slices = 64u / together;
    let head = row_starts[row];
    let first = head & 0x7fffffffu;
    let end = row_starts[row + 1u] & 0x7fffffffu;
    var sums = no_links();
    for (var k = first + own / together; k < end; k += 4u * slices) {
        add_four(&sums, k, slices, end, p.lane + lane);
    }
    parts[own] = sums;
    workgroupBarrier();
    for (var half = 32u; half >= together; half /= 2u) {
        if own < half { parts[own] = joined(parts[own], parts[own + half]); }
        workgroupBarrier();
    }
    if own >= together { return; }
    let made = result(parts[own], end - first, (head >> 31u) == 1u);
    destination[(p.first_row + row) * p.taken + lane] = stored(made.value);
    if (p.flags & 2u) != 0u {
        // Other lanes of the row share the word.
        atomicAnd(&destination_valid[p.first_row + row], ~(1u << lane));
        atomicOr(&destination_valid[p.first_row + row], u32(made.valid) << lane);
    }
}
