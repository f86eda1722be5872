// Sums of what comes before each count: chunks first, then the sums of chunks, then all counts. The highest bit of a
// count is none of it.

struct Parameters {
    width: u32,
    // Chunks.
    n: u32,
    counts: u32,
    chunk: u32,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> counts: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;

// An item is a chunk.
@compute @workgroup_size(64)
fn of_chunks(@builtin(global_invocation_id) id: vec3<u32>) {
    let chunk = id.y * p.width + id.x;
    if chunk >= p.n { return; }
    var sum = 0u;
    for (var k = chunk * p.chunk; k < min((chunk + 1u) * p.chunk, p.counts); k++) {
        sum += counts[k] & 0x7fffffffu;
    }
    sums[chunk] = sum;
}
