// What is called, for sparse_apply and sparse_apply_full: an item is a row and four lanes of a block.

struct Parameters {
    width: u32,
    // Rows times quads of lanes.
    n: u32,
    // First row of this part of the rows.
    first_row: u32,
    // Rows with more links are left to sparse_apply_long.
    longest: u32,
    // Lanes of a block by four.
    quads: u32,
    // What missing values do: 0 propagate, 1 keep, 2 renormalize.
    policy: u32,
    // 1: source values may be missing; 2: flags are written; 4: means are kept in the range of their sources.
    flags: u32,
    least_share: real,
    // Weights whose sum is a smaller part of their magnitude have cancelled one another.
    uncancelled: real,
}
var<immediate> p: Parameters;

// Four links from `k` on; the last link stands for those beyond it, so that all can be loaded together.
fn four_links(k: u32, end: u32) -> vec4<u32> {
    return min(vec4<u32>(k) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(end - 1u));
}

fn are_inside(k: u32, end: u32) -> vec4<bool> {
    return (vec4<u32>(k) + vec4<u32>(0u, 1u, 2u, 3u)) < vec4<u32>(end);
}
