// What air and sea trade over a cell that ice covers in part; see open_water.rs.

struct Parameters {
    width: u32,
    n: u32,
    // Values and flags from a slab to the next, of all fields alike.
    stride: u32,
    emissivity: real,
    stefan_boltzmann: real,
    fusion: real,
    snow_below: real,
}
var<immediate> p: Parameters;

// Slabs of the inputs of bulk_flux: of them air temperature, sunlight and longwave are used.
@group(0) @binding(0) var<storage, read> inputs: array<stored>;
// Slabs of precipitation and ice.
@group(0) @binding(1) var<storage, read> surface: array<stored>;
// Slabs of the outputs of bulk_flux, and the validity of the first.
@group(0) @binding(2) var<storage, read> fluxes: array<stored>;
@group(0) @binding(3) var<storage, read> fluxes_valid: array<u32>;
// Slabs of heat, water, snow on ice, evaporation, sensible and latent heat, eastward and northward stress.
@group(0) @binding(4) var<storage, read_write> results: array<stored>;

@compute @workgroup_size(64)
fn traded(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    var heat = real(0);
    var water = real(0);
    var on_ice = real(0);
    var open = real(0);
    let east = real(fluxes[i]);
    let north = real(fluxes[p.stride + i]);
    let sensible = real(fluxes[2u * p.stride + i]);
    let latent = real(fluxes[3u * p.stride + i]);
    let evaporation = real(fluxes[4u * p.stride + i]);
    // Where no flux is told outputs are 0.
    if (fluxes_valid[i] & 1u) == 1u {
        var ice = real(surface[p.stride + i]);
        if ice < real(0) { ice = real(0); }
        if ice > real(1) { ice = real(1); }
        open = real(1) - ice;
        let fallen = real(surface[i]);
        var snow = real(0);
        if real(inputs[p.stride + i]) < p.snow_below { snow = fallen; }
        let skin = real(fluxes[5u * p.stride + i]);
        let squared = skin * skin;
        let radiated = p.emissivity * (real(inputs[7u * p.stride + i]) - p.stefan_boltzmann * squared * squared);
        let down = real(inputs[6u * p.stride + i]) + radiated + sensible + latent - p.fusion * snow;
        heat = open * down;
        water = open * (snow - evaporation) + (fallen - snow);
        on_ice = (real(1) - open) * snow;
    }
    results[i] = stored(heat);
    results[p.stride + i] = stored(water);
    results[2u * p.stride + i] = stored(on_ice);
    results[3u * p.stride + i] = stored(evaporation * open);
    results[4u * p.stride + i] = stored(sensible * open);
    results[5u * p.stride + i] = stored(latent * open);
    results[6u * p.stride + i] = stored(east * open);
    results[7u * p.stride + i] = stored(north * open);
}
