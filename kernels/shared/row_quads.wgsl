// What is called and bound, for sparse_apply and sparse_apply_full: an item is a row and four lanes of a block.

struct Parameters {
    width: u32,
    // Rows times quads of lanes.
    n: u32,
    // First row of this part of the rows.
    first_row: u32,
    // Rows with more links are left to sparse_apply_long.
    longest: u32,
    // A block has 4 << quad_bits lanes.
    quad_bits: u32,
    // What missing values do: 0 propagate, 1 keep, 2 renormalize.
    policy: u32,
    // 1: source values may be missing; 2: flags are written; 4: means are kept in the range of their sources.
    flags: u32,
    least_share: real,
    // Weights whose sum is a smaller part of their magnitude have cancelled one another.
    uncancelled: real,
}
var<immediate> p: Parameters;

// First link of each row; the highest bit marks means.
@group(0) @binding(0) var<storage, read> row_starts: array<u32>;
@group(0) @binding(1) var<storage, read> columns: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<real>;
@group(0) @binding(3) var<storage, read> source: array<vec4<stored>>;

// Where a quad of lanes of a cell is.
fn place(cell: u32, quad: u32) -> u32 {
    return cell << p.quad_bits | quad;
}
