// Values in other units, within a range, with something where they are missing; see convert.rs.

struct Parameters {
    width: u32,
    n: u32,
    // 1: values may be missing; 2: there is a range; 4: there is a fill value; 8: flags are written.
    flags: u32,
    multiply: real,
    divide: real,
    add: real,
    low: real,
    high: real,
    fill: real,
}
var<immediate> p: Parameters;

@group(0) @binding(0) var<storage, read> values: array<stored>;
@group(0) @binding(1) var<storage, read> valid: array<u32>;
@group(0) @binding(2) var<storage, read_write> results: array<stored>;
@group(0) @binding(3) var<storage, read_write> results_valid: array<u32>;

@compute @workgroup_size(64)
fn convert(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    var present = true;
    if (p.flags & 1u) != 0u { present = (valid[i] & 1u) == 1u; }
    var result = real(0);
    if present { result = real(values[i]) * p.multiply / p.divide + p.add; }
    if !present && (p.flags & 4u) != 0u {
        result = p.fill;
        present = true;
    }
    if present && (p.flags & 2u) != 0u {
        if result < p.low { result = p.low; }
        if result > p.high { result = p.high; }
    }
    results[i] = stored(result);
    if (p.flags & 8u) != 0u { results_valid[i] = u32(present); }
}
