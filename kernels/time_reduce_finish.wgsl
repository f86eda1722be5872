// Running results of time_reduce_add made values; see PeriodSums in time_reduce.rs.

struct Parameters {
    width: u32,
    n: u32,
    // 1: a mean; 2: flags are written.
    flags: u32,
    least: real,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> sums: array<stored>;
@group(0) @binding(1) var<storage, read> times: array<stored>;
@group(0) @binding(2) var<storage, read_write> results: array<stored>;
@group(0) @binding(3) var<storage, read_write> results_valid: array<u32>;

@compute @workgroup_size(64)
fn finish(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    let time = real(times[i]);
    let present = time > real(0) && time >= p.least;
    var result = real(0);
    if present {
        result = real(sums[i]);
        if (p.flags & 1u) != 0u { result /= time; }
    }
    results[i] = stored(result);
    if (p.flags & 2u) != 0u { results_valid[i] = u32(present); }
}
