// COARE.

fn charnock(neutral_wind: real) -> real {
    if p.scheme == 1u {
        return real(0.011) + real(0.007) * clamp((neutral_wind - real(10)) / real(8), real(0), real(1));
    }
    if p.scheme == 2u { return clamp(real(0.0017) * neutral_wind - real(0.005), real(0), real(0.028)); }
    return real(0.018);
}

fn psi_convective(y: real) -> real {
    return real(1.5) * log_of((real(1) + y + y * y) / real(3))
        - real(1.7320508) * atan_of((real(1) + real(2) * y) / real(1.7320508)) + real(1.813799447);
}

fn psi_m_coare(zeta: real) -> real {
    if zeta >= real(0) {
        let fall = exp_of(min(real(0.35) * zeta, real(50)));
        return -(real(1) + zeta + real(0.6667) * (zeta - real(14.28)) / fall + real(8.525));
    }
    let x = sqrt(sqrt(real(1) - real(15) * zeta));
    let kansas = real(2) * log_of((real(1) + x) / real(2)) + log_of((real(1) + x * x) / real(2)) - real(2) * atan_of(x)
        + real(HALF_PI);
    let share = zeta * zeta / (real(1) + zeta * zeta);
    return (real(1) - share) * kansas + share * psi_convective(pow_of(real(1) - real(10.15) * zeta, real(0.3333)));
}

fn psi_h_coare(zeta: real) -> real {
    if zeta >= real(0) {
        let fall = exp_of(min(real(0.35) * zeta, real(50)));
        let steep = real(1) + real(2) * zeta / real(3);
        return -(steep * sqrt(steep) + real(0.6667) * (zeta - real(14.28)) / fall + real(8.525));
    }
    let kansas = real(2) * log_of((real(1) + sqrt(real(1) - real(15) * zeta)) / real(2));
    let share = zeta * zeta / (real(1) + zeta * zeta);
    return (real(1) - share) * kansas + share * psi_convective(pow_of(real(1) - real(34.15) * zeta, real(0.3333)));
}

fn rough(charnock: real, velocity: real, nu: real, least: real) -> real {
    return clamp(charnock * velocity * velocity / real(GRAVITY) + real(0.11) * nu / velocity, least, real(1));
}

fn gusty(wind: real, gustiness: real, layer: real, velocity_squared: real, inverse_length: real) -> real {
    let convection = max(-layer * inverse_length / real(KARMAN), real(0));
    let gusts = gustiness * gustiness * velocity_squared * pow_of(convection, real(2) / real(3));
    return max(sqrt(wind * wind + gusts), real(0.2));
}

fn first_guess(air: Air, surface: real, surface_humidity: real) -> Guess {
    let charnock = charnock(air.wind);
    var theta = max(air.theta, real(180));
    var humidity = max(air.humidity, real(1e-6));
    let nu = viscosity(theta);
    let bulk_wind = sqrt(air.wind * air.wind + real(0.25));
    let log_10 = real(2.302585092994046);
    // 0.035 ln(10/1e-4) / ln(zu/1e-4).
    var velocity = real(0.035) * real(5) * log_10 / (p.log_zu + real(4) * log_10) * bulk_wind;
    let log_roughness = log_of(rough(charnock, velocity, nu, real(1e-8)));
    let log_over = p.log_zu - log_roughness;
    let drag = real(KARMAN) / log_over * (real(KARMAN) / log_over);
    let scalar = clamp(
        real(10) / exp_of(min(real(KARMAN) * real(KARMAN) / (real(0.00115) * (log_10 - log_roughness)), real(80))),
        real(1e-8), real(1));
    let log_scalar = log_of(scalar);
    let ri = richardson(p.zu, surface, surface_humidity, theta, humidity, bulk_wind);
    let product = real(KARMAN) * real(KARMAN) / (drag * (p.log_zt - log_scalar)) * ri;
    var zeta = product + real(3) * ri * ri;
    if ri < real(0) { zeta = product / (real(1) - ri * real(0.004) * real(600) * real(1.728) / p.zu); }
    velocity = max(bulk_wind * real(KARMAN) / (log_over - psi_m_coare(zeta)), real(1e-9));
    let profile = real(KARMAN) / (p.log_zu - log_scalar - psi_h_coare(zeta));
    if p.same_height == 0u {
        let shift = p.log_heights + psi_h_coare(zeta) - psi_h_coare(p.zt * zeta / p.zu);
        theta = air.theta - at_least(theta - surface, real(1e-6)) * profile / real(KARMAN) * shift;
        humidity = max(
            air.humidity - at_least(humidity - surface_humidity, real(1e-9)) * profile / real(KARMAN) * shift, real(0));
    }
    let scales = Scales(velocity, at_least(theta - surface, real(1e-6)) * profile,
        at_least(humidity - surface_humidity, real(1e-9)) * profile);
    return Guess(scales, theta, humidity, bulk_wind, rough(charnock, velocity, nu, real(1e-8)));
}

fn coare(air: Air, sea: real, sun: real, sky: real) -> Transfer {
    var round = first_round(air, sea);
    let nu = viscosity(round.skin.theta);
    let gustiness = select(real(1.2), real(1.25), p.scheme == 1u);
    let most = select(real(1.6e-4), real(1.1e-4), p.scheme == 1u);
    let factor = select(real(5.8e-5), real(5.5e-5), p.scheme == 1u);
    let power = select(real(0.72), real(0.6), p.scheme == 1u);
    for (var k = 0u; k < p.iterations; k++) {
        let velocity = round.skin.scales.velocity;
        let inverse_length = inverse_obukhov(round.skin.theta, round.skin.humidity, round.skin.scales);
        round.skin.bulk_wind = gusty(air.wind, gustiness, real(600), velocity * velocity, inverse_length);
        let zeta = within(p.zu * inverse_length, real(50));
        let neutral_wind = velocity / real(KARMAN) * (real(2.302585092994046) - log_of(round.roughness));
        round.roughness = rough(charnock(neutral_wind), velocity, nu, real(1e-9));
        let scalar = clamp(min(factor * pow_of(nu / (round.roughness * velocity), power), most), real(1e-9), real(1));
        let psi_heat = psi_h_coare(zeta);
        let profile = real(KARMAN) / (p.log_zu - log_of(scalar) - psi_heat);
        round.skin.scales.temperature = round.rise * profile;
        round.skin.scales.humidity = round.moist * profile;
        round.skin.scales.velocity = max(
            round.skin.bulk_wind * real(KARMAN) / (p.log_zu - log_of(round.roughness) - psi_m_coare(zeta)), real(1e-9));
        let shift = p.log_zt - p.log_zu + psi_heat - psi_h_coare(within(p.zt * inverse_length, real(50)));
        round = next_round(round, shift, air, real(0.137), true, sea, sun, sky);
    }
    let skin = round.skin;
    let root = skin.scales.velocity / skin.bulk_wind;
    let least = real(LEAST_COEFFICIENT);
    return Transfer(max(root * root, least), max(root * skin.scales.temperature / round.rise, least),
        max(root * skin.scales.humidity / round.moist, least), skin.theta, skin.humidity, skin.bulk_wind, skin.surface,
        skin.surface_humidity);
}
