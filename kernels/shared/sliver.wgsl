// The area up to which a row of overlap_compact and overlap_fill drops pairs.

fn sliver_of(row: u32) -> real {
    var smallest = cell_areas[p.first_cell + row];
    for (var k = pair_starts[row]; k < pair_starts[row + 1u]; k++) {
        if areas[k] > real(0) { smallest = min(smallest, subject_areas[subjects[k]]); }
    }
    smallest = max(smallest, real(0));
    return p.sliver_length * sqrt(smallest) + p.sliver_share * smallest;
}
