// exp, log, powers and arctangent of a real from + - * / alone: no function of a driver is asked for.
//
// Bounds, relative, for ordinary arguments (results and arguments of exp_log are within 1e-37 and 1e37):
// exp and log a few units in the last place; pow of x to the y as much times 1 + |y log x|; atan one unit in 2^51
// (f64) or 2^21 (f32). Polynomials end where the next term is below 2^-53.

// 2 to the k, exact; the loop ends after 10 rounds.
fn two_to(k: i32) -> real {
    var power = select(real(0.5), real(2), k >= 0);
    var left = u32(abs(k));
    var result = real(1);
    for (var round = 0u; round < 10u; round++) {
        if (left & 1u) != 0u { result *= power; }
        // Beyond the last bit a square may overflow and is not used.
        left >>= 1u;
        if left == 0u { break; }
        power *= power;
    }
    return result;
}

// ln 2 in two parts, the first with zeros at its end so that a product with a small whole number is exact.
const LN2_HIGH = 0.693145751953125;
const LN2_LOW = 1.4286068203094172e-6;

fn exp_of(x: real) -> real {
    // Beyond these neither precision has a number; what is there is 0 or too large anyway.
    let bounded = clamp(x, real(-87), real(87));
    let k = i32(round(f32(bounded) * 1.4426950408889634));
    let r = (bounded - real(k) * real(LN2_HIGH)) - real(k) * real(LN2_LOW);
    // Taylor to r^13, |r| <= 0.35.
    var sum = real(1) / real(6227020800);
    sum = sum * r + real(1) / real(479001600);
    sum = sum * r + real(1) / real(39916800);
    sum = sum * r + real(1) / real(3628800);
    sum = sum * r + real(1) / real(362880);
    sum = sum * r + real(1) / real(40320);
    sum = sum * r + real(1) / real(5040);
    sum = sum * r + real(1) / real(720);
    sum = sum * r + real(1) / real(120);
    sum = sum * r + real(1) / real(24);
    sum = sum * r + real(1) / real(6);
    sum = sum * r + real(0.5);
    sum = sum * r + real(1);
    sum = sum * r + real(1);
    return sum * two_to(k);
}

// Of x > 0; a very large negative number otherwise.
fn log_of(x: real) -> real {
    if !(x > real(0)) { return real(-1e30); }
    var k = i32(bitcast<u32>(f32(x)) >> 23u) - 127;
    var m = x * two_to(-k);
    // The exponent is that of a rounded number: m is within 1 to 2, or a rounding beyond.
    if m > real(1.4142135623730951) {
        m *= real(0.5);
        k += 1;
    }
    let t = (m - real(1)) / (m + real(1));
    let s = t * t;
    var sum = real(1) / real(23);
    sum = sum * s + real(1) / real(21);
    sum = sum * s + real(1) / real(19);
    sum = sum * s + real(1) / real(17);
    sum = sum * s + real(1) / real(15);
    sum = sum * s + real(1) / real(13);
    sum = sum * s + real(1) / real(11);
    sum = sum * s + real(1) / real(9);
    sum = sum * s + real(1) / real(7);
    sum = sum * s + real(1) / real(5);
    sum = sum * s + real(1) / real(3);
    sum = sum * s + real(1);
    return real(k) * real(LN2_HIGH) + (real(k) * real(LN2_LOW) + real(2) * t * sum);
}

// Of x >= 0.
fn pow_of(x: real, y: real) -> real {
    if x <= real(0) { return real(0); }
    return exp_of(y * log_of(x));
}

// Of x >= 0: three times half the angle, then the series.
fn atan_of(x: real) -> real {
    // What is above 1 comes from its inverse.
    let turned = x > real(1);
    var t = x;
    if turned { t = real(1) / x; }
    t = t / (real(1) + sqrt(real(1) + t * t));
    t = t / (real(1) + sqrt(real(1) + t * t));
    t = t / (real(1) + sqrt(real(1) + t * t));
    let s = t * t;
    var sum = real(1) / real(19);
    sum = real(1) / real(17) - s * sum;
    sum = real(1) / real(15) - s * sum;
    sum = real(1) / real(13) - s * sum;
    sum = real(1) / real(11) - s * sum;
    sum = real(1) / real(9) - s * sum;
    sum = real(1) / real(7) - s * sum;
    sum = real(1) / real(5) - s * sum;
    sum = real(1) / real(3) - s * sum;
    sum = real(1) - s * sum;
    let angle = real(8) * t * sum;
    return select(angle, real(1.5707963267948966) - angle, turned);
}
