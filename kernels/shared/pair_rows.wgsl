// Pairs of cells, row by row, for overlap_compact and overlap_fill. Rows are cells of the first grid.

struct Parameters {
    width: u32,
    // Rows.
    n: u32,
    // Cell of the first row.
    first_cell: u32,
    // A row drops areas up to sliver_length * sqrt(a) + sliver_share * a, a the least area of its cells.
    sliver_length: real,
    sliver_share: real,
}
var<immediate> p: Parameters;

// First pair of each row.
@group(0) @binding(0) var<storage, read> pair_starts: array<u32>;
@group(0) @binding(1) var<storage, read> subjects: array<u32>;
@group(0) @binding(2) var<storage, read> areas: array<real>;
@group(0) @binding(3) var<storage, read> cell_areas: array<real>;
@group(0) @binding(4) var<storage, read> subject_areas: array<real>;

// The area up to which a row drops pairs.
fn sliver_of(row: u32) -> real {
    var smallest = cell_areas[p.first_cell + row];
    for (var k = pair_starts[row]; k < pair_starts[row + 1u]; k++) {
        if areas[k] > real(0) { smallest = min(smallest, subject_areas[subjects[k]]); }
    }
    smallest = max(smallest, real(0));
    return p.sliver_length * sqrt(smallest) + p.sliver_share * smallest;
}
