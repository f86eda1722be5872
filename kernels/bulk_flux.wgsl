// Turbulent fluxes between air and sea; see bulk_flux.rs and its folder, from which functions have their names.

struct Parameters {
    width: u32,
    n: u32,
    // Values and flags from a slab to the next, of inputs and outputs alike.
    stride: u32,
    flag_stride: u32,
    // 1: inputs may be missing.
    masked: u32,
    // 0 NCAR, 1 COARE 3.0, 2 COARE 3.6, 3 IFS, 4 Andreas.
    scheme: u32,
    // 1: the sea surface temperature is that below the skin.
    cool_skin: u32,
    iterations: u32,
    // 1: air and wind are at one height.
    same_height: u32,
    zu: real,
    zt: real,
    // Logarithms of both, of zt/zu and of zu/10.
    log_zu: real,
    log_zt: real,
    log_heights: real,
    log_ten: real,
}
var<immediate> p: Parameters;

// Slabs of sea and air temperature, humidity, eastward and northward wind, pressure, sunlight and longwave.
@group(0) @binding(0) var<storage, read> inputs: array<stored>;
@group(0) @binding(1) var<storage, read> inputs_valid: array<u32>;
// Slabs of eastward and northward stress, sensible and latent heat, evaporation and surface temperature.
@group(0) @binding(2) var<storage, read_write> outputs: array<stored>;
@group(0) @binding(3) var<storage, read_write> outputs_valid: array<u32>;

fn is_finite(x: real) -> bool {
    return abs(x) < real(1e30);
}

@compute @workgroup_size(64)
fn fluxes(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    var there = 1u;
    if p.masked != 0u {
        for (var k = 0u; k < 8u; k++) { there &= inputs_valid[k * p.flag_stride + i]; }
    }
    let sea = real(inputs[i]);
    let air_temperature = real(inputs[p.stride + i]);
    let humidity = real(inputs[2u * p.stride + i]);
    let east = real(inputs[3u * p.stride + i]);
    let north = real(inputs[4u * p.stride + i]);
    let pressure = real(inputs[5u * p.stride + i]);
    let sun = real(inputs[6u * p.stride + i]);
    let sky = real(inputs[7u * p.stride + i]);
    let good = there != 0u && is_finite(sea + air_temperature + humidity + east + north + pressure) && is_finite(sun + sky);
    var tau_east = real(0);
    var tau_north = real(0);
    var sensible = real(0);
    var latent = real(0);
    var evaporation = real(0);
    var surface = real(0);
    if good {
        let theta = potential_temperature(p.zt, pressure, air_temperature, humidity);
        let air = Air(theta, humidity, sqrt(east * east + north * north), pressure);
        var t: Transfer;
        if p.scheme == 0u {
            t = ncar(air, sea);
        } else if p.scheme == 4u {
            t = andreas(air, sea);
        } else if p.scheme == 3u {
            t = ecmwf(air, sea, sun, sky);
        } else {
            t = coare(air, sea, sun, sky);
        }
        let rho_wind = t.bulk_wind * max(density_at(p.zu, t.theta, t.humidity, pressure), real(1));
        tau_east = rho_wind * t.drag * east;
        tau_north = rho_wind * t.drag * north;
        evaporation = -rho_wind * t.moisture * (t.humidity - t.surface_humidity);
        sensible = rho_wind * t.heat * (t.theta - t.surface) * heat_capacity(t.humidity);
        latent = -latent_heat(t.surface) * evaporation;
        surface = t.surface;
    }
    outputs[i] = stored(tau_east);
    outputs[p.stride + i] = stored(tau_north);
    outputs[2u * p.stride + i] = stored(sensible);
    outputs[3u * p.stride + i] = stored(latent);
    outputs[4u * p.stride + i] = stored(evaporation);
    outputs[5u * p.stride + i] = stored(surface);
    for (var k = 0u; k < 6u; k++) { outputs_valid[k * p.flag_stride + i] = select(0u, 1u, good); }
}
