// The cool skin, and what schemes that have one go on from, round by round.

struct SkinState {
    surface: real,
    surface_humidity: real,
    theta: real,
    humidity: real,
    scales: Scales,
    bulk_wind: real,
}

fn skin_thickness(expansion: real, absorbed: real, friction_velocity: real) -> real {
    let velocity = max(friction_velocity, real(1e-4)) * sqrt(real(1.2) / real(1025));
    let scale = real(1e-6) / velocity;
    if absorbed >= real(0) { return min(real(6) * scale, real(0.007)); }
    // 16 g c ρ ν³ / k².
    let convection = real(16) * real(9.80665) * real(1025) * real(4190) * real(1e-9) / (real(0.6) * real(0.6)) * real(1e-9);
    let fourth = velocity * velocity * velocity * velocity;
    let inner = pow_of(expansion * convection / fourth * -absorbed, real(0.75));
    return real(6) * scale / exp_of(log_of(real(1) + inner) / real(3));
}

fn skin_warming(absorbed_share: real, salinity: bool, sea: real, pressure: real, sun: real, sky: real, s: SkinState) -> real {
    let rho_wind = s.bulk_wind * max(density_at(p.zu, s.theta, s.humidity, pressure), real(1));
    let rise = s.theta - s.surface;
    let moist = s.humidity - s.surface_humidity;
    let root = s.scales.velocity / s.bulk_wind;
    let heat = root * s.scales.temperature / at_least(rise, real(1e-6));
    let moisture = root * s.scales.humidity / at_least(moist, real(1e-9));
    let sensible = rho_wind * heat * rise * heat_capacity(s.humidity);
    let latent = latent_heat(s.surface) * rho_wind * moisture * moist;
    let squared = s.surface * s.surface;
    let dark = latent + sensible + real(0.98) * (sky - real(5.67e-8) * squared * squared);
    let expansion = real(2.1e-5) * pow_of(max(sea - real(ZERO_CELSIUS) + real(3.2), real(0)), real(0.79));
    var sinking = real(0);
    if salinity { sinking = real(0.026) * min(latent, real(0)) * real(4190) / real(2.46e6) / expansion; }
    var absorbed = dark;
    var depth = skin_thickness(expansion, absorbed + sinking, s.scales.velocity);
    for (var k = 0u; k < 4u; k++) {
        let share = absorbed_share + real(11) * depth - real(6.6e-5) / depth * (real(1) - exp_of(-depth / real(8e-4)));
        absorbed = dark + max(share, real(0.01)) * sun;
        depth = skin_thickness(expansion, absorbed + sinking, s.scales.velocity);
    }
    return absorbed * depth / real(0.6);
}

// What a round leaves to the next.
struct Round {
    skin: SkinState,
    roughness: real,
    // Air minus surface, of temperature and humidity; neither is 0.
    rise: real,
    moist: real,
}

fn first_round(air: Air, sea: real) -> Round {
    var surface = sea;
    if p.cool_skin != 0u { surface = sea - real(0.25); }
    let humidity = sea_humidity(surface, air.pressure);
    let guess = first_guess(air, surface, humidity);
    let skin = SkinState(surface, humidity, guess.theta, guess.humidity, guess.scales, guess.bulk_wind);
    return with_differences(Round(skin, guess.roughness, real(0), real(0)));
}

fn with_differences(round: Round) -> Round {
    var next = round;
    next.rise = at_least(next.skin.theta - next.skin.surface, real(1e-6));
    next.moist = at_least(next.skin.humidity - next.skin.surface_humidity, real(1e-9));
    return next;
}

// Air moved to the height of the wind by `shift`, and the skin that goes with it.
fn next_round(round: Round, shift: real, air: Air, absorbed_share: real, salinity: bool, sea: real, sun: real, sky: real) -> Round {
    var next = round;
    if p.same_height == 0u {
        next.skin.theta = air.theta - next.skin.scales.temperature / real(KARMAN) * shift;
        next.skin.humidity = air.humidity - next.skin.scales.humidity / real(KARMAN) * shift;
    }
    if p.cool_skin != 0u {
        next.skin.surface = sea + skin_warming(absorbed_share, salinity, sea, air.pressure, sun, sky, next.skin);
        next.skin.surface_humidity = sea_humidity(next.skin.surface, air.pressure);
    }
    return with_differences(next);
}
