// Humid air and what all schemes share.

const GRAVITY = 9.8;
const KARMAN = 0.4;
const ZERO_CELSIUS = 273.15;
const DRY_GAS = 287.05;
const VAPOUR_GAS = 461.495;
const DRY_HEAT = 1005.0;
const EPSILON = DRY_GAS / VAPOUR_GAS;
const VIRTUAL = VAPOUR_GAS / DRY_GAS - 1.0;
const LEAST_COEFFICIENT = 0.1e-3;
const HALF_PI = 1.5707963267948966;

struct Air {
    theta: real,
    humidity: real,
    wind: real,
    pressure: real,
}

struct Scales {
    velocity: real,
    temperature: real,
    humidity: real,
}

struct Transfer {
    drag: real,
    heat: real,
    moisture: real,
    theta: real,
    humidity: real,
    bulk_wind: real,
    surface: real,
    surface_humidity: real,
}

struct Guess {
    scales: Scales,
    theta: real,
    humidity: real,
    bulk_wind: real,
    roughness: real,
}

fn at_least(x: real, least: real) -> real {
    if abs(x) < least { return select(least, -least, x < real(0)); }
    return x;
}

fn within(x: real, most: real) -> real {
    return clamp(x, -most, most);
}

fn ten_to(x: real) -> real {
    return exp_of(x * real(2.302585092994046));
}

fn vapour_pressure(temperature: real) -> real {
    let t = max(temperature, real(180));
    let ratio = real(ZERO_CELSIUS) / t;
    let over = t / real(ZERO_CELSIUS);
    let exponent = real(10.79574) * (real(1) - ratio) - real(5.028) * log_of(over) * real(0.4342944819032518)
        + real(1.50475e-4) * (real(1) - ten_to(real(-8.2969) * (over - real(1))))
        + real(0.42873e-3) * (ten_to(real(4.76955) * (real(1) - ratio)) - real(1))
        + real(0.78614);
    return real(100) * ten_to(exponent);
}

fn saturation(temperature: real, pressure: real) -> real {
    let e = vapour_pressure(temperature);
    return real(EPSILON) * e / (pressure - (real(1) - real(EPSILON)) * e);
}

fn sea_humidity(temperature: real, pressure: real) -> real {
    return real(0.98) * saturation(max(temperature, real(200)), pressure);
}

fn latent_heat(temperature: real) -> real {
    return (real(2.501) - real(0.00237) * (temperature - real(ZERO_CELSIUS))) * real(1e6);
}

fn heat_capacity(humidity: real) -> real {
    return real(DRY_HEAT) + real(1860) * humidity;
}

fn viscosity(temperature: real) -> real {
    let t = temperature - real(ZERO_CELSIUS);
    return real(1.326e-5) * (real(1) + real(6.542e-3) * t + real(8.301e-6) * t * t - real(4.84e-9) * t * t * t);
}

fn density(temperature: real, humidity: real, pressure: real) -> real {
    return max(pressure / (real(DRY_GAS) * temperature * (real(1) + real(VIRTUAL) * humidity)), real(0.8));
}

fn density_at(height: real, theta: real, humidity: real, pressure: real) -> real {
    let temperature = theta - real(GRAVITY) / real(DRY_HEAT) * height;
    let first = density(temperature, humidity, pressure);
    return density(temperature, humidity, pressure - first * real(GRAVITY) * height);
}

fn potential_temperature(height: real, pressure: real, temperature: real, humidity: real) -> real {
    var here = pressure;
    for (var k = 0u; k < 3u; k++) {
        let share = humidity / saturation(temperature, here);
        let mass = (real(1) - share) * real(28.9647e-3) + share * real(18.0153e-3);
        here = pressure * exp_of(-real(GRAVITY) * mass * height / (real(8.314510) * temperature));
    }
    return temperature * exp_of(log_of(pressure / here) * (real(DRY_GAS) / real(DRY_HEAT)));
}

fn inverse_obukhov(theta: real, humidity: real, scales: Scales) -> real {
    let moist = real(1) + real(VIRTUAL) * humidity;
    let buoyancy = real(GRAVITY) * real(KARMAN)
        * (scales.temperature * moist + real(VIRTUAL) * theta * scales.humidity);
    let shear = max(scales.velocity * scales.velocity * theta * moist, real(1e-9));
    return within(buoyancy / shear, real(200));
}

fn richardson(height: real, surface: real, surface_humidity: real, theta: real, humidity: real, wind: real) -> real {
    let surface_virtual = surface * (real(1) + real(VIRTUAL) * surface_humidity);
    let moist = real(1) + real(VIRTUAL) * humidity;
    let absolute = theta - real(GRAVITY) / real(DRY_HEAT) * height;
    let mean = real(0.5) * (surface_virtual + absolute * moist);
    return real(GRAVITY) * (theta * moist - surface_virtual) * height / (mean * wind * wind);
}
