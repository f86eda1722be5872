// The IFS.

fn psi_stable(zeta: real) -> real {
    let c = real(5) / real(0.35);
    return real(-2) / real(3) * (zeta - c) * exp_of(real(-0.35) * zeta) - real(2) / real(3) * c;
}

fn psi_m_ecmwf(z: real) -> real {
    let zeta = min(z, real(5));
    if zeta >= real(0) { return psi_stable(zeta) - zeta; }
    let square = sqrt(real(1) - real(16) * zeta);
    let x = sqrt(square);
    return log_of(real(0.125) * (real(1) + x) * (real(1) + x) * (real(1) + square)) - real(2) * atan_of(x) + real(HALF_PI);
}

fn psi_h_ecmwf(z: real) -> real {
    let zeta = min(z, real(5));
    if zeta >= real(0) {
        let steep = real(1) + real(2) / real(3) * zeta;
        return psi_stable(zeta) - steep * sqrt(steep) + real(1);
    }
    return real(2) * log_of(real(0.5) * (real(1) + sqrt(real(1) - real(16) * zeta)));
}

fn over_m(roughness: real, inverse_length: real) -> real {
    return p.log_zu - log_of(roughness) - psi_m_ecmwf(p.zu * inverse_length) + psi_m_ecmwf(roughness * inverse_length);
}

fn over_h(roughness: real, inverse_length: real) -> real {
    return p.log_zu - log_of(roughness) - psi_h_ecmwf(p.zu * inverse_length) + psi_h_ecmwf(roughness * inverse_length);
}

fn ecmwf(air: Air, sea: real, sun: real, sky: real) -> Transfer {
    var round = first_round(air, sea);
    let nu = viscosity(air.theta);
    let first_length = inverse_obukhov(round.skin.theta, round.skin.humidity, round.skin.scales);
    let log_ten_over = real(2.302585092994046) - log_of(round.roughness);
    let first_scalar = clamp(
        real(10) / exp_of(min(real(KARMAN) * real(KARMAN) / (real(0.00115) * log_ten_over), real(80))), real(1e-9), real(1));
    var momentum = over_m(round.roughness, first_length);
    var heat = over_h(first_scalar, first_length);
    var moisture = heat;
    for (var k = 0u; k < p.iterations; k++) {
        let before = round.skin;
        let ri = richardson(p.zu, before.surface, before.surface_humidity, before.theta, before.humidity, before.bulk_wind);
        let inverse_length = within(ri * momentum * momentum / heat / p.zu, real(200));
        let velocity = before.bulk_wind * real(KARMAN) / over_m(round.roughness, inverse_length);
        let squared = velocity * velocity;
        let smooth_length = nu / velocity;
        round.roughness = min(abs(real(0.11) * smooth_length + real(0.018) * squared / real(GRAVITY)), real(0.001));
        round.skin.bulk_wind = gusty(air.wind, real(1), real(1000), squared, inverse_length);
        momentum = over_m(round.roughness, inverse_length);
        heat = over_h(min(abs(real(0.40) * smooth_length), real(0.001)), inverse_length);
        moisture = over_h(min(abs(real(0.62) * smooth_length), real(0.001)), inverse_length);
        round.skin.scales = Scales(velocity, round.rise * real(KARMAN) / heat, round.moist * real(KARMAN) / moisture);
        let shift = p.log_heights + psi_h_ecmwf(p.zu * inverse_length) - psi_h_ecmwf(p.zt * inverse_length);
        round = next_round(round, shift, air, real(0.065), false, sea, sun, sky);
    }
    let skin = round.skin;
    let squared = real(KARMAN) * real(KARMAN);
    let least = real(LEAST_COEFFICIENT);
    return Transfer(max(squared / (momentum * momentum), least), max(squared / (momentum * heat), least),
        max(squared / (momentum * moisture), least), skin.theta, skin.humidity, skin.bulk_wind, skin.surface,
        skin.surface_humidity);
}
