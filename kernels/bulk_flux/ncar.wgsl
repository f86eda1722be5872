// Large and Yeager.

fn neutral_drag(wind: real) -> real {
    if wind >= real(33) { return real(2.34e-3); }
    let cubed = wind * wind * wind;
    let value = real(1e-3) * (real(2.7) / wind + real(0.142) + wind / real(13.09) - real(3.14807e-10) * cubed * cubed);
    return max(value, real(LEAST_COEFFICIENT));
}

fn psi_m_ncar(zeta: real) -> real {
    if zeta >= real(0) { return real(-5) * zeta; }
    let square = max(sqrt(real(1) - real(16) * zeta), real(1));
    let x = sqrt(square);
    return real(2) * log_of((real(1) + x) * real(0.5)) + log_of((real(1) + square) * real(0.5)) - real(2) * atan_of(x)
        + real(HALF_PI);
}

fn psi_h_ncar(zeta: real) -> real {
    if zeta >= real(0) { return real(-5) * zeta; }
    return real(2) * log_of(real(0.5) * (real(1) + max(sqrt(real(1) - real(16) * zeta), real(1))));
}

fn neutral_heat(stable: bool) -> real {
    return select(real(32.7e-3), real(18e-3), stable);
}

fn ncar(air: Air, surface: real) -> Transfer {
    let surface_humidity = sea_humidity(surface, air.pressure);
    let wind = max(air.wind, real(0.5));
    let rise = air.theta * (real(1) + real(VIRTUAL) * air.humidity)
        - surface * (real(1) + real(VIRTUAL) * surface_humidity);
    let least = real(LEAST_COEFFICIENT);
    var drag = neutral_drag(wind);
    var root = sqrt(drag);
    var heat = max(root * neutral_heat(rise >= real(0)), least);
    var moisture = max(root * real(34.6e-3), least);
    var theta = max(air.theta, real(180));
    var humidity = max(air.humidity, real(1e-6));
    for (var k = 0u; k < p.iterations; k++) {
        let scales = Scales(root * wind, heat / root * (theta - surface), moisture / root * (humidity - surface_humidity));
        let inverse_length = inverse_obukhov(theta, humidity, scales);
        let zeta = within(p.zu * inverse_length, real(10));
        let psi_heat = psi_h_ncar(zeta);
        if p.same_height == 0u {
            let profile = p.log_heights + psi_heat - psi_h_ncar(within(p.zt * inverse_length, real(10)));
            theta = air.theta - scales.temperature / real(KARMAN) * profile;
            humidity = max(air.humidity - scales.humidity / real(KARMAN) * profile, real(0));
        }
        let psi_momentum = psi_m_ncar(zeta);
        let log_roughness = -p.log_ten + real(KARMAN) / sqrt(drag) + psi_momentum;
        let neutral = neutral_drag(max(sqrt(drag) * wind / real(KARMAN) * log_roughness, real(0.25)));
        let neutral_root = sqrt(neutral);
        let shift = real(1) + neutral_root / real(KARMAN) * (p.log_ten - psi_momentum);
        drag = max(neutral / (shift * shift), least);
        root = sqrt(drag);
        let shift_h = (p.log_ten - psi_heat) / real(KARMAN) / neutral_root;
        let neutral_h = neutral_root * neutral_heat(zeta >= real(0));
        let neutral_e = neutral_root * real(34.6e-3);
        heat = max(neutral_h * (root / neutral_root) / (real(1) + neutral_h * shift_h), least);
        moisture = max(neutral_e * (root / neutral_root) / (real(1) + neutral_e * shift_h), least);
    }
    return Transfer(drag, heat, moisture, theta, humidity, wind, surface, surface_humidity);
}
