// The six codes of the Canadian fire weather system for a day; see fire_weather.rs.

struct Parameters {
    width: u32,
    n: u32,
    // Values and flags from a slab to the next.
    stride: u32,
    flag_stride: u32,
    // 1: weather may be missing.
    masked: u32,
    // 147.2, or 250 · 59.5 / 101.
    coefficient: real,
    // Day lengths of the month: north of 30°, 10° to 30°, -10° to 10°, -30° to -10°, and south of that.
    day_north: real,
    day_north_20: real,
    day_equator: real,
    day_south_20: real,
    day_south: real,
    // Drying factors of the month: north of 20°, between, and south of -20°.
    dry_north: real,
    dry_equator: real,
    dry_south: real,
}
var<immediate> p: Parameters;

// Slabs of temperature, relative humidity, wind, rain and latitude.
@group(0) @binding(0) var<storage, read> weather: array<stored>;
@group(0) @binding(1) var<storage, read> weather_valid: array<u32>;
// Slabs of fine fuel, duff and drought: of yesterday, then of today.
@group(0) @binding(2) var<storage, read_write> codes: array<stored>;
// Slabs of spread, buildup, fire weather and severity.
@group(0) @binding(3) var<storage, read_write> indices: array<stored>;

fn moisture(code: real) -> real {
    return p.coefficient * (real(101) - code) / (real(59.5) + code);
}

fn eighth(x: real) -> real {
    let fourth = (x * x) * (x * x);
    return fourth * fourth;
}

fn rate(share: real, w: real, t: real) -> real {
    return (real(0.424) * (real(1) - pow_of(share, real(1.7))) + real(0.0694) * sqrt(w) * (real(1) - eighth(share)))
        * real(0.581) * exp_of(real(0.0365) * t);
}

fn ten_to(x: real) -> real {
    return exp_of(x * real(2.302585092994046));
}

fn fine_fuel(t: real, h: real, w: real, fallen: real, yesterday: real) -> real {
    var before = moisture(yesterday);
    if fallen > real(0.5) {
        let soaking = fallen - real(0.5);
        let wet = before + real(42.5) * soaking * exp_of(real(-100) / (real(251) - before))
            * (real(1) - exp_of(real(-6.93) / soaking));
        let excess = max(before - real(150), real(0));
        before = min(wet + real(0.0015) * excess * excess * sqrt(soaking), real(250));
    }
    let warmth = real(0.18) * (real(21.1) - t) * (real(1) - exp_of(real(-0.115) * h));
    let near = exp_of((h - real(100)) / real(10));
    let drying_end = real(0.942) * pow_of(h, real(0.679)) + real(11) * near + warmth;
    let wetting_end = real(0.618) * pow_of(h, real(0.753)) + real(10) * near + warmth;
    var after = before;
    if before > drying_end {
        after = drying_end + (before - drying_end) * ten_to(-rate(h / real(100), w, t));
    } else if before < wetting_end {
        after = wetting_end - (wetting_end - before) * ten_to(-rate((real(100) - h) / real(100), w, t));
    }
    return clamp(real(59.5) * (real(250) - after) / (p.coefficient + after), real(0), real(101));
}

fn day_length(lat: real) -> real {
    if lat > real(30) { return p.day_north; }
    if lat > real(10) { return p.day_north_20; }
    if lat > real(-10) { return p.day_equator; }
    if lat > real(-30) { return p.day_south_20; }
    return p.day_south;
}

fn drying_factor(lat: real) -> real {
    if lat > real(20) { return p.dry_north; }
    if lat > real(-20) { return p.dry_equator; }
    return p.dry_south;
}

fn duff(t: real, h: real, fallen: real, lat: real, yesterday: real) -> real {
    var before = yesterday;
    if fallen > real(1.5) {
        let effective = real(0.92) * fallen - real(1.27);
        let held = real(20) + real(280) * exp_of(real(-0.023) * yesterday);
        var slope = real(0);
        if yesterday <= real(33) {
            slope = real(100) / (real(0.5) + real(0.3) * yesterday);
        } else if yesterday <= real(65) {
            slope = real(14) - real(1.3) * log_of(yesterday);
        } else {
            slope = real(6.2) * log_of(yesterday) - real(17.2);
        }
        let wet = held + real(1000) * effective / (real(48.77) + slope * effective);
        before = max(real(43.43) * (real(5.6348) - log_of(wet - real(20))), real(0));
    }
    let warmth = max(t, real(-1.1)) + real(1.1);
    return before + real(1.894) * warmth * (real(100) - h) * day_length(lat) * real(1e-4);
}

fn drought(t: real, fallen: real, lat: real, yesterday: real) -> real {
    var before = yesterday;
    if fallen > real(2.8) {
        let effective = real(0.83) * fallen - real(1.27);
        let held = real(800) * exp_of(-yesterday / real(400));
        before = max(yesterday - real(400) * log_of(real(1) + real(3.937) * effective / held), real(0));
    }
    let evaporation = real(0.36) * (max(t, real(-2.8)) + real(2.8)) + drying_factor(lat);
    return before + real(0.5) * max(evaporation, real(0));
}

fn spread(w: real, code: real) -> real {
    let m = moisture(code);
    return real(0.208) * exp_of(real(0.05039) * w) * real(91.9) * exp_of(real(-0.1386) * m)
        * (real(1) + pow_of(m, real(5.31)) / real(4.93e7));
}

fn buildup(dmc: real, dc: real) -> real {
    if dmc <= real(0) && dc <= real(0) { return real(0); }
    let sum = dmc + real(0.4) * dc;
    if dmc <= real(0.4) * dc { return real(0.8) * dmc * dc / sum; }
    let share = real(1) - real(0.8) * dc / sum;
    return max(dmc - share * (real(0.92) + pow_of(real(0.0114) * dmc, real(1.7))), real(0));
}

fn fire_weather(isi: real, bui: real) -> real {
    var duff_effect = real(0);
    if bui <= real(80) {
        duff_effect = real(0.626) * pow_of(bui, real(0.809)) + real(2);
    } else {
        duff_effect = real(1000) / (real(25) + real(108.64) * exp_of(real(-0.023) * bui));
    }
    let b = real(0.1) * isi * duff_effect;
    if b > real(1) { return exp_of(real(2.72) * pow_of(real(0.434) * log_of(b), real(0.647))); }
    return b;
}

@compute @workgroup_size(64)
fn days(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * p.width + id.x;
    if i >= p.n { return; }
    var there = 1u;
    if p.masked != 0u {
        for (var k = 0u; k < 5u; k++) { there &= weather_valid[k * p.flag_stride + i]; }
    }
    if there == 0u {
        for (var k = 0u; k < 4u; k++) { indices[k * p.stride + i] = stored(0); }
        return;
    }
    let t = real(weather[i]);
    let h = real(weather[p.stride + i]);
    let w = real(weather[2u * p.stride + i]);
    let fallen = real(weather[3u * p.stride + i]);
    let lat = real(weather[4u * p.stride + i]);
    let ffmc = fine_fuel(t, h, w, fallen, real(codes[i]));
    let dmc = duff(t, h, fallen, lat, real(codes[p.stride + i]));
    let dc = drought(t, fallen, lat, real(codes[2u * p.stride + i]));
    let isi = spread(w, ffmc);
    let bui = buildup(dmc, dc);
    let fwi = fire_weather(isi, bui);
    codes[i] = stored(ffmc);
    codes[p.stride + i] = stored(dmc);
    codes[2u * p.stride + i] = stored(dc);
    indices[i] = stored(isi);
    indices[p.stride + i] = stored(bui);
    indices[2u * p.stride + i] = stored(fwi);
    indices[3u * p.stride + i] = stored(real(0.0272) * pow_of(fwi, real(1.77)));
}
