// A step of ice under snow that conducts from the sea to the air; see sea_ice.rs.

struct Parameters {
    width: u32,
    n: u32,
    // Values from a slab to the next, of all fields alike.
    stride: u32,
    seconds: real,
    ice_conductivity: real,
    snow_conductivity: real,
    ice_density: real,
    snow_density: real,
    fusion: real,
    stefan_boltzmann: real,
    melting: real,
    // Of the surface temperature, K.
    tolerance: real,
}
var<immediate> p: Parameters;

// Slabs of what does not depend on the surface, its emissivity, exchange, air temperature, heat of the sea, freezing.
@group(0) @binding(0) var<storage, read> forcing: array<stored>;
// Slabs of thickness and snow: before, then after.
@group(0) @binding(1) var<storage, read_write> ice: array<stored>;
// Slabs of surface temperature, surface heat, heat left, melt water.
@group(0) @binding(2) var<storage, read_write> results: array<stored>;

struct Sky {
    given: real,
    emissivity: real,
    exchange: real,
    air: real,
}

fn surface_heat(sky: Sky, surface: real) -> real {
    let squared = surface * surface;
    return sky.given + sky.exchange * (sky.air - surface) - sky.emissivity * p.stefan_boltzmann * squared * squared;
}

// The root of the balance, from above.
fn surface_temperature(sky: Sky, k: real, freezing: real) -> real {
    var surface = p.melting;
    if surface_heat(sky, surface) + k * (freezing - surface) >= real(0) { return surface; }
    for (var round = 0u; round < 20u; round += 1u) {
        let slope = -k - sky.exchange - real(4) * sky.emissivity * p.stefan_boltzmann * surface * surface * surface;
        let next = surface - (surface_heat(sky, surface) + k * (freezing - surface)) / slope;
        let moved = abs(next - surface);
        surface = next;
        if moved <= p.tolerance { break; }
    }
    return surface;
}

@compute @workgroup_size(64)
fn step(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    let thickness = real(ice[i]);
    var surface = real(0);
    var from_above = real(0);
    var left = real(0);
    var melt_water = real(0);
    if thickness > real(0) {
        let snow = real(ice[p.stride + i]);
        let sky = Sky(
            real(forcing[i]),
            real(forcing[p.stride + i]),
            real(forcing[2u * p.stride + i]),
            real(forcing[3u * p.stride + i]),
        );
        let ocean = real(forcing[4u * p.stride + i]);
        let freezing = real(forcing[5u * p.stride + i]);
        let k = p.ice_conductivity * p.snow_conductivity / (p.snow_conductivity * thickness + p.ice_conductivity * snow);
        surface = surface_temperature(sky, k, freezing);
        let conducted = k * (freezing - surface);
        // Below melting the surface has no heat of its own.
        from_above = -conducted;
        if surface >= p.melting { from_above = surface_heat(sky, surface); }
        var melt = (from_above + conducted) * p.seconds / p.fusion;
        let snow_mass = p.snow_density * snow;
        let snow_melt = min(melt, snow_mass);
        melt -= snow_melt;
        let growth = (conducted - ocean) * p.seconds / p.fusion;
        let mass = p.ice_density * thickness + growth - melt;
        var thickness_after = mass / p.ice_density;
        var snow_after = (snow_mass - snow_melt) / p.snow_density;
        if mass <= real(0) {
            // Snow without ice falls into the sea and takes its heat of fusion from what is left.
            left = (-mass - p.snow_density * snow_after) * p.fusion / p.seconds;
            thickness_after = real(0);
            snow_after = real(0);
        }
        let before = p.ice_density * thickness + snow_mass;
        let now = p.ice_density * thickness_after + p.snow_density * snow_after;
        melt_water = (before - now) / p.seconds;
        ice[i] = stored(thickness_after);
        ice[p.stride + i] = stored(snow_after);
    }
    results[i] = stored(surface);
    results[p.stride + i] = stored(from_above);
    results[2u * p.stride + i] = stored(left);
    results[3u * p.stride + i] = stored(melt_water);
}
