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
    var surface = sea;
    if p.cool_skin != 0u { surface = sea - real(0.25); }
    var surface_humidity = sea_humidity(surface, air.pressure);
    let guess = first_guess(air, surface, surface_humidity);
    var scales = guess.scales;
    var theta = guess.theta;
    var humidity = guess.humidity;
    var bulk_wind = guess.bulk_wind;
    var roughness = guess.roughness;
    var rise = at_least(theta - surface, real(1e-6));
    var moist = at_least(humidity - surface_humidity, real(1e-9));
    let nu = viscosity(air.theta);
    let first_length = inverse_obukhov(theta, humidity, scales);
    let log_ten_over = real(2.302585092994046) - log_of(roughness);
    let first_scalar = clamp(
        real(10) / exp_of(min(real(KARMAN) * real(KARMAN) / (real(0.00115) * log_ten_over), real(80))), real(1e-9), real(1));
    var momentum = over_m(roughness, first_length);
    var heat = over_h(first_scalar, first_length);
    var moisture = heat;
    for (var k = 0u; k < p.iterations; k++) {
        let ri = richardson(p.zu, surface, surface_humidity, theta, humidity, bulk_wind);
        let inverse_length = within(ri * momentum * momentum / heat / p.zu, real(200));
        scales.velocity = bulk_wind * real(KARMAN) / over_m(roughness, inverse_length);
        let squared = scales.velocity * scales.velocity;
        let smooth_length = nu / scales.velocity;
        roughness = min(abs(real(0.11) * smooth_length + real(0.018) * squared / real(GRAVITY)), real(0.001));
        bulk_wind = gusty(air.wind, real(1), real(1000), squared, inverse_length);
        momentum = over_m(roughness, inverse_length);
        heat = over_h(min(abs(real(0.40) * smooth_length), real(0.001)), inverse_length);
        moisture = over_h(min(abs(real(0.62) * smooth_length), real(0.001)), inverse_length);
        scales.temperature = rise * real(KARMAN) / heat;
        scales.humidity = moist * real(KARMAN) / moisture;
        if p.same_height == 0u {
            let shift = p.log_heights + psi_h_ecmwf(p.zu * inverse_length) - psi_h_ecmwf(p.zt * inverse_length);
            theta = air.theta - scales.temperature / real(KARMAN) * shift;
            humidity = air.humidity - scales.humidity / real(KARMAN) * shift;
        }
        if p.cool_skin != 0u {
            let state = SkinState(surface, surface_humidity, theta, humidity, scales, bulk_wind);
            surface = sea + skin_warming(real(0.065), false, sea, air.pressure, sun, sky, state);
            surface_humidity = sea_humidity(surface, air.pressure);
        }
        rise = at_least(theta - surface, real(1e-6));
        moist = at_least(humidity - surface_humidity, real(1e-9));
    }
    let squared = real(KARMAN) * real(KARMAN);
    let least = real(LEAST_COEFFICIENT);
    return Transfer(max(squared / (momentum * momentum), least), max(squared / (momentum * heat), least),
        max(squared / (momentum * moisture), least), theta, humidity, bulk_wind, surface, surface_humidity);
}
