// sparse_apply for a block of one lane: a row an invocation.

struct Parameters {
    width: u32,
    n: u32,
    first_row: u32,
    policy: u32,
    flags: u32,
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

// An item is a row.
@compute @workgroup_size(64)
fn rows(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.y * p.width + id.x;
    if row >= p.n { return; }
    let first = row_starts[row] & 0x7fffffffu;
    let end = row_starts[row + 1u] & 0x7fffffffu;
    var sums = no_links();
    for (var k = first; k < end; k++) {
        add_link(&sums, weights[k], columns[k]);
    }
    finish(row, sums, end - first);
}
