// Andreas, Mahrt and Vickers.

fn velocity_of(neutral_wind: real) -> real {
    let d = neutral_wind - real(8.271);
    return real(0.239) + real(0.0433) * (d + sqrt(real(0.12) * d * d + real(0.181)));
}

// Factor and power by Liu et al. for the range of the roughness Reynolds number.
fn scalar_roughness(moist: bool, reynolds: real, roughness: real) -> real {
    if !(reynolds > real(0) && reynolds < real(1000)) { return real(0.05); }
    var factor = select(real(5.88e5), real(2.98e5), moist);
    var power = select(real(-3.935), real(-3.616), moist);
    if reynolds <= real(0.11) {
        factor = select(real(0.177), real(0.292), moist);
        power = real(0);
    } else if reynolds <= real(0.825) {
        factor = select(real(1.376), real(1.808), moist);
        power = select(real(0.929), real(0.826), moist);
    } else if reynolds <= real(3) {
        factor = select(real(1.026), real(1.393), moist);
        power = select(real(-0.599), real(-0.528), moist);
    } else if reynolds <= real(10) {
        factor = select(real(1.625), real(1.956), moist);
        power = select(real(-1.018), real(-0.870), moist);
    } else if reynolds <= real(30) {
        factor = select(real(4.661), real(4.994), moist);
        power = select(real(-1.475), real(-1.297), moist);
    } else if reynolds <= real(100) {
        factor = select(real(34.904), real(30.709), moist);
        power = select(real(-2.067), real(-1.845), moist);
    } else if reynolds <= real(300) {
        factor = select(real(1667.19), real(1448.68), moist);
        power = select(real(-2.907), real(-2.682), moist);
    }
    return clamp(factor * pow_of(reynolds, power) * roughness / reynolds, real(1e-9), real(0.05));
}

fn psi_m_andreas(z: real) -> real {
    let zeta = min(z, real(15));
    if zeta < real(0) { return psi_m_ncar(zeta); }
    // 5 over 6.5, the cubic root of what is left of 1 over it, and the square root of 3.
    let share = real(5) / real(6.5);
    let b = real(0.6694329500821695);
    let root3 = real(1.7320508075688772);
    let x = pow_of(real(1) + zeta, real(1) / real(3));
    return real(-15) / share * (x - real(1))
        + real(5) * b / (real(2) * share)
            * (real(2) * log_of((x + b) / (real(1) + b)) - log_of((x * x - x * b + b * b) / (real(1) - b + b * b))
                + real(2) * root3 * (atan_of((real(2) * x - b) / (root3 * b)) - atan_of((real(2) - b) / (root3 * b))));
}

fn psi_h_andreas(z: real) -> real {
    let zeta = min(z, real(15));
    if zeta < real(0) { return psi_h_ncar(zeta); }
    let root = real(2.23606797749979);
    let twice = real(2) * zeta + real(3);
    return real(-2.5) * log_of(real(1) + real(3) * zeta + zeta * zeta)
        + (real(-5) / root + real(7.5) / root)
            * (log_of((twice - root) / (twice + root)) - log_of((real(3) - root) / (real(3) + root)));
}

fn andreas(air: Air, surface: real) -> Transfer {
    let surface_humidity = sea_humidity(surface, air.pressure);
    let wind = max(air.wind, real(0.25));
    let least = real(LEAST_COEFFICIENT);
    let least_scalar = real(0.35e-3);
    var theta = air.theta;
    var humidity = air.humidity;
    var neutral_wind = wind;
    // Its root: a root of a constant is taken by no compiler in double precision.
    let first = real(0.033166247903554);
    var scales = Scales(real(0), first * (theta - surface), first * (humidity - surface_humidity));
    var ri = richardson(p.zu, surface, surface_humidity, theta, humidity, wind);
    for (var k = 0u; k < p.iterations; k++) {
        scales.velocity = sqrt(least) * wind;
        if ri < real(0.15) { scales.velocity = velocity_of(neutral_wind); }
        let zeta = p.zu * inverse_obukhov(theta, humidity, scales);
        let drag = max(scales.velocity / wind * (scales.velocity / wind), least);
        let roughness = min(p.zu * exp_of(-(real(KARMAN) / sqrt(drag) + psi_m_andreas(zeta))), real(0.0025));
        let reynolds = roughness * scales.velocity / viscosity(theta);
        let psi = psi_h_andreas(zeta);
        let over_heat = p.log_zu - log_of(scalar_roughness(false, reynolds, roughness)) - psi;
        let over_moisture = p.log_zu - log_of(scalar_roughness(true, reynolds, roughness)) - psi;
        scales.temperature = (theta - surface) * real(KARMAN) / over_heat;
        scales.humidity = (humidity - surface_humidity) * real(KARMAN) / over_moisture;
        if p.same_height == 0u && k > 0u {
            let shift = p.log_heights + psi - psi_h_andreas(zeta / p.zu * p.zt);
            theta = air.theta - scales.temperature / real(KARMAN) * shift;
            humidity = air.humidity - scales.humidity / real(KARMAN) * shift;
            ri = richardson(p.zu, surface, surface_humidity, theta, humidity, wind);
        }
        neutral_wind = max(wind - scales.velocity / real(KARMAN) * (p.log_ten - psi_m_andreas(zeta)), real(0.1));
    }
    let root = scales.velocity / wind;
    let rise = at_least(theta - surface, real(1e-6));
    let moist = at_least(humidity - surface_humidity, real(1e-9));
    return Transfer(max(root * root, least), max(root * scales.temperature / rise, least_scalar),
        max(root * scales.humidity / moist, least_scalar), theta, humidity, wind, surface, surface_humidity);
}
