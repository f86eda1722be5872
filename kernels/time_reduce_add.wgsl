// A step of time added to running results; see PeriodSums in time_reduce.rs.

struct Parameters {
    width: u32,
    n: u32,
    // 1: values may be missing; 2: there are results so far.
    flags: u32,
    // 0 mean, 1 sum, 2 minimum, 3 maximum.
    reduction: u32,
    // Length of time shared, and its part of the step.
    length: real,
    part: real,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> values: array<stored>;
@group(0) @binding(1) var<storage, read> valid: array<u32>;
@group(0) @binding(2) var<storage, read> before: array<stored>;
@group(0) @binding(3) var<storage, read> times_before: array<stored>;
@group(0) @binding(4) var<storage, read_write> results: array<stored>;
// Time with a value.
@group(0) @binding(5) var<storage, read_write> times: array<stored>;

@compute @workgroup_size(64)
fn add(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    var result = real(0);
    var time = real(0);
    if (p.flags & 2u) != 0u {
        result = real(before[i]);
        time = real(times_before[i]);
    }
    var present = true;
    if (p.flags & 1u) != 0u { present = (valid[i] & 1u) == 1u; }
    if present {
        let x = real(values[i]);
        let fresh = time == real(0);
        switch p.reduction {
            case 0u: { result += p.length * x; }
            case 1u: { result += p.part * x; }
            case 2u: { result = select(result, x, fresh || x < result); }
            default: { result = select(result, x, fresh || x > result); }
        }
        time += p.length;
    }
    results[i] = stored(result);
    times[i] = stored(time);
}
