// The angle of (x, y) by arithmetic and square roots alone: drivers have no arctangent of doubles.

// |t| <= 1, within two units of the last place of f64.
fn atan_of_small(t: real) -> real {
    // Two halvings, tan(a/2) = t / (1 + sqrt(1 + t*t)), bring the angle below pi/16.
    let u = t / (real(1) + sqrt(real(1) + t * t));
    let v = u / (real(1) + sqrt(real(1) + u * u));
    let s = v * v;
    // Taylor: the first term left out is below 0.2^23 / 23 = 4e-18.
    var sum = real(1) / real(21);
    for (var k = 19; k > 0; k -= 2) {
        sum = real(1) / real(k) - s * sum;
    }
    return real(4) * v * sum;
}

// As atan2(y, x); (0, 0) has none and gives 0.
fn angle(y: real, x: real) -> real {
    let r = sqrt(x * x + y * y);
    if r == real(0) { return real(0); }
    // The half angle, from the side of x on which nothing cancels.
    if x >= real(0) { return real(2) * atan_of_small(y / (x + r)); }
    let half = real(2) * atan_of_small(abs(y) / (r - x));
    let pi = real(3.141592653589793);
    return select(pi - half, half - pi, y < real(0));
}
