// The last pass of exclusive_scan: what comes before each count of a chunk.

struct Parameters {
    width: u32,
    // Chunks.
    n: u32,
    counts: u32,
    chunk: u32,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> counts: array<u32>;
// What comes before each chunk.
@group(0) @binding(1) var<storage, read> before: array<u32>;
// One more than counts: the last is the sum of all.
@group(0) @binding(2) var<storage, read_write> starts: array<u32>;

// An item is a chunk.
@compute @workgroup_size(64)
fn fill(@builtin(global_invocation_id) id: vec3<u32>) {
    let chunk = id.y * p.width + id.x;
    if chunk >= p.n { return; }
    var sum = before[chunk];
    let end = min((chunk + 1u) * p.chunk, p.counts);
    for (var k = chunk * p.chunk; k < end; k++) {
        starts[k] = sum;
        sum += counts[k] & 0x7fffffffu;
    }
    if end == p.counts { starts[p.counts] = sum; }
}
