//! Units in the text of files: enough of UDUNITS for the fields of weather, ocean and climate.

use std::fmt;

/// Base units: m, kg, s, K.
const BASES: usize = 4;

/// Standard gravity in m s-2: geopotential over geopotential height, by definition.
pub const GRAVITY: f64 = 9.806_65;
/// Density of liquid water in kg m-3 by which depths of water and masses per area stand for each other.
pub const WATER_DENSITY: f64 = 1000.0;

/// What a value in some unit is in base units: `base = value · factor + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Units {
    factor: f64,
    offset: f64,
    /// Exponents of m, kg, s, K.
    exponents: [i32; BASES],
}

/// Why a text is no unit, or one unit does not become another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitsError {
    /// A symbol that is not in the table.
    #[error("units `{text}`: `{symbol}` is not a known unit")]
    Unknown {
        /// The whole text.
        text: String,
        /// The part that is not known.
        symbol: String,
    },
    /// Units of different quantities.
    #[error("units `{from}` cannot become `{to}`")]
    Different {
        /// What was found.
        from: String,
        /// What was expected.
        to: String,
    },
}

/// Symbol, factor and exponents of m, kg, s, K; offsets are only those of temperatures.
const SYMBOLS: [(&str, f64, [i32; BASES]); 55] = [
    ("1", 1.0, [0, 0, 0, 0]),
    ("none", 1.0, [0, 0, 0, 0]),
    ("nil", 1.0, [0, 0, 0, 0]),
    ("fraction", 1.0, [0, 0, 0, 0]),
    ("Fraction", 1.0, [0, 0, 0, 0]),
    ("Numeric", 1.0, [0, 0, 0, 0]),
    ("(0 - 1)", 1.0, [0, 0, 0, 0]),
    ("(Code table 4.213)", 1.0, [0, 0, 0, 0]),
    ("1e-3", 1e-3, [0, 0, 0, 0]),
    ("psu", 1e-3, [0, 0, 0, 0]),
    ("PSU", 1e-3, [0, 0, 0, 0]),
    ("%", 1e-2, [0, 0, 0, 0]),
    ("percent", 1e-2, [0, 0, 0, 0]),
    ("m", 1.0, [1, 0, 0, 0]),
    ("metre", 1.0, [1, 0, 0, 0]),
    ("metres", 1.0, [1, 0, 0, 0]),
    ("meter", 1.0, [1, 0, 0, 0]),
    ("meters", 1.0, [1, 0, 0, 0]),
    ("gpm", 1.0, [1, 0, 0, 0]),
    ("m of water equivalent", 1.0, [1, 0, 0, 0]),
    ("m water equivalent", 1.0, [1, 0, 0, 0]),
    ("mm", 1e-3, [1, 0, 0, 0]),
    ("cm", 1e-2, [1, 0, 0, 0]),
    ("dam", 10.0, [1, 0, 0, 0]),
    ("gpdam", 10.0, [1, 0, 0, 0]),
    ("km", 1e3, [1, 0, 0, 0]),
    ("kg", 1.0, [0, 1, 0, 0]),
    ("g", 1e-3, [0, 1, 0, 0]),
    ("mg", 1e-6, [0, 1, 0, 0]),
    ("ug", 1e-9, [0, 1, 0, 0]),
    ("µg", 1e-9, [0, 1, 0, 0]),
    ("μg", 1e-9, [0, 1, 0, 0]),
    ("s", 1.0, [0, 0, 1, 0]),
    ("sec", 1.0, [0, 0, 1, 0]),
    ("min", 60.0, [0, 0, 1, 0]),
    ("h", 3600.0, [0, 0, 1, 0]),
    ("hr", 3600.0, [0, 0, 1, 0]),
    ("hour", 3600.0, [0, 0, 1, 0]),
    ("d", 86_400.0, [0, 0, 1, 0]),
    ("day", 86_400.0, [0, 0, 1, 0]),
    ("K", 1.0, [0, 0, 0, 1]),
    ("Kelvin", 1.0, [0, 0, 0, 1]),
    ("kelvin", 1.0, [0, 0, 0, 1]),
    ("Pa", 1.0, [-1, 1, -2, 0]),
    ("hPa", 100.0, [-1, 1, -2, 0]),
    ("mb", 100.0, [-1, 1, -2, 0]),
    ("mbar", 100.0, [-1, 1, -2, 0]),
    ("kPa", 1000.0, [-1, 1, -2, 0]),
    ("N", 1.0, [1, 1, -2, 0]),
    ("J", 1.0, [2, 1, -2, 0]),
    ("W", 1.0, [2, 1, -3, 0]),
    ("kt", 1852.0 / 3600.0, [1, 0, -1, 0]),
    ("kts", 1852.0 / 3600.0, [1, 0, -1, 0]),
    ("knot", 1852.0 / 3600.0, [1, 0, -1, 0]),
    ("knots", 1852.0 / 3600.0, [1, 0, -1, 0]),
];

/// Texts for degrees Celsius.
const CELSIUS: [&str; 8] = ["degC", "°C", "C", "Celsius", "celsius", "degree_Celsius", "degrees_Celsius", "deg C"];

impl Units {
    /// Reads `kg m-2 s-1`, `kg m**-2 s**-1`, `kg/m2/s`, `kg/m²`, `m s^-1`, `degC`, `%`, `m of water equivalent`, ...
    ///
    /// ```
    /// use knarr_field::units::Units;
    /// let knots = Units::parse("kts")?;
    /// let conversion = knots.to(&Units::parse("m s-1")?)?;
    /// assert_eq!(conversion.apply(1.0), 1852.0 / 3600.0);
    /// # Ok::<(), knarr_field::units::UnitsError>(())
    /// ```
    ///
    /// # Errors
    /// [`UnitsError::Unknown`] with the part that is not understood.
    pub fn parse(text: &str) -> Result<Self, UnitsError> {
        let text = text.trim();
        if CELSIUS.contains(&text) {
            return Ok(Self { factor: 1.0, offset: 273.15, exponents: [0, 0, 0, 1] });
        }
        if let Some((_, factor, exponents)) = SYMBOLS.iter().find(|(symbol, ..)| *symbol == text) {
            return Ok(Self { factor: *factor, offset: 0.0, exponents: *exponents });
        }
        let plain = plain(text);
        let mut units = Self { factor: 1.0, offset: 0.0, exponents: [0; BASES] };
        let mut words = 0;
        for word in plain.split([' ', '.', '*']).filter(|word| !word.is_empty()) {
            let (sign, word) = word.strip_prefix('/').map_or((1, word), |rest| (-1, rest));
            let unknown = || UnitsError::Unknown { text: text.to_owned(), symbol: word.to_owned() };
            let digits = word.find(|c: char| c == '-' || c.is_ascii_digit()).unwrap_or(word.len());
            let (symbol, power) = word.split_at(if digits == 0 { word.len() } else { digits });
            let power: i32 = if power.is_empty() { 1 } else { power.parse().map_err(|_| unknown())? };
            let (_, factor, exponents) = SYMBOLS.iter().find(|(known, ..)| *known == symbol).ok_or_else(unknown)?;
            units.factor *= factor.powi(sign * power);
            for (total, one) in units.exponents.iter_mut().zip(exponents) {
                *total += sign * power * one;
            }
            words += 1;
        }
        if words == 0 {
            return Err(UnitsError::Unknown { text: text.to_owned(), symbol: text.to_owned() });
        }
        Ok(units)
    }

    /// How values in these units become values in `to`.
    ///
    /// # Errors
    /// [`UnitsError::Different`] if the units measure different quantities.
    pub fn to(&self, to: &Self) -> Result<Linear, UnitsError> {
        if self.exponents != to.exponents {
            return Err(UnitsError::Different { from: self.to_string(), to: to.to_string() });
        }
        Ok(Linear::between(self, to))
    }

    /// As [`Units::to`], and across `bridge` where the quantities differ by just that factor.
    ///
    /// # Errors
    /// [`UnitsError::Different`] if neither holds.
    pub fn to_across(&self, to: &Self, bridge: Option<Bridge>) -> Result<Linear, UnitsError> {
        let Some(bridge) = bridge else { return self.to(to) };
        let (factor, exponents) = bridge.factor();
        let difference: Vec<i32> = to.exponents.iter().zip(self.exponents).map(|(to, from)| to - from).collect();
        let with = |factor: f64| Linear::between(&Self { factor: self.factor * factor, ..*self }, to);
        if difference == exponents {
            Ok(with(factor))
        } else if difference.iter().zip(exponents).all(|(d, e)| *d == -e) {
            Ok(with(1.0 / factor))
        } else {
            self.to(to)
        }
    }
}

/// Two quantities that stand for each other by a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bridge {
    /// Depth of liquid water (m) and mass per area (kg m-2), by [`WATER_DENSITY`].
    Water,
    /// Geopotential height (m) and geopotential (m2 s-2), by [`GRAVITY`].
    Geopotential,
}

impl Bridge {
    /// The factor from the first quantity to the second, and the exponents of its units.
    fn factor(self) -> (f64, [i32; BASES]) {
        match self {
            Self::Water => (WATER_DENSITY, [-3, 1, 0, 0]),
            Self::Geopotential => (GRAVITY, [1, 0, -2, 0]),
        }
    }
}

/// `new = old · multiply / divide + add`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linear {
    multiply: f64,
    divide: f64,
    add: f64,
}

impl Linear {
    /// Leaves values as they are.
    pub const IDENTITY: Self = Self { multiply: 1.0, divide: 1.0, add: 0.0 };

    /// Equal factors cancel here, so that values stay as they are; one factor is kept apart, so that hPa are exact in Pa.
    fn between(from: &Units, to: &Units) -> Self {
        let (multiply, divide) = if from.factor == to.factor { (1.0, 1.0) } else { (from.factor, to.factor) };
        // A power of ten below one is not exact in binary, its inverse is.
        let (multiply, divide) = match (exact_inverse(multiply), exact_inverse(divide)) {
            (Some(inverse), None) => (1.0, divide * inverse),
            (None, Some(inverse)) => (multiply * inverse, 1.0),
            (Some(a), Some(b)) => (b, a),
            (None, None) => (multiply, divide),
        };
        Self { multiply, divide, add: (from.offset - to.offset) / to.factor }
    }

    /// The converted value.
    pub fn apply(&self, value: f64) -> f64 {
        value * self.multiply / self.divide + self.add
    }

    /// What values are multiplied by, then divided by, and what is added.
    pub fn parts(&self) -> [f64; 3] {
        [self.multiply, self.divide, self.add]
    }

    /// Whether it leaves values as they are.
    pub fn is_identity(&self) -> bool {
        *self == Self::IDENTITY
    }
}

/// `1000` for `1e-3`: the whole number a value below one is the inverse of.
fn exact_inverse(value: f64) -> Option<f64> {
    let inverse = (1.0 / value).round();
    (value < 1.0 && inverse > 1.0 && 1.0 / inverse == value).then_some(inverse)
}

/// `m**2 s^-1` and `m² s⁻¹` as `m2 s-1`; `kg/m2` as `kg /m2`.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.replace("**", "").chars() {
        match c {
            '^' => {}
            '⁻' => out.push('-'),
            '¹' => out.push('1'),
            '²' => out.push('2'),
            '³' => out.push('3'),
            '/' => out.push_str(" /"),
            other => out.push(other),
        }
    }
    out
}

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if self.factor != 1.0 {
            words.push(self.factor.to_string());
        }
        for (name, power) in ["m", "kg", "s", "K"].iter().zip(self.exponents) {
            match power {
                0 => {}
                1 => words.push((*name).to_owned()),
                _ => words.push(format!("{name}{power}")),
            }
        }
        if self.offset != 0.0 {
            words.push(format!("from {}", self.offset));
        }
        f.write_str(&if words.is_empty() { "1".to_owned() } else { words.join(" ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(value: f64, from: &str, to: &str) -> f64 {
        Units::parse(from).and_then(|from| from.to(&Units::parse(to)?)).expect("they convert").apply(value)
    }

    #[test]
    fn values_are_those_of_definitions() {
        assert_eq!(convert(0.0, "degC", "K"), 273.15);
        assert_eq!(convert(273.15, "K", "°C"), 0.0);
        assert_eq!(convert(1013.25, "hPa", "Pa"), 101_325.0);
        assert_eq!(convert(101_325.0, "Pa", "mb"), 1013.25);
        assert_eq!(convert(550.0, "dam", "gpm"), 5500.0);
        assert_eq!(convert(37.0, "%", "1"), 0.37);
        assert_eq!(convert(0.37, "1", "%"), 37.0);
        assert_eq!(convert(12.0, "µg/m³", "kg m-3"), 12e-9);
        assert!((convert(86.4, "mm day-1", "m s-1") / 1e-6 - 1.0).abs() < 4.0 * f64::EPSILON);
        assert_eq!(convert(2.5, "N m**-2 s", "Pa s"), 2.5);
        assert_eq!(convert(2.5, "kg/m2/s", "kg m^-2 s^-1"), 2.5);
        assert_eq!(convert(2.5, "J m**-2", "W s m-2"), 2.5);
        assert_eq!(convert(7.0, "m³ s⁻¹", "m**3 s**-1"), 7.0);
    }

    #[test]
    fn conversions_there_and_back_lose_two_roundings_at_most() {
        for (a, b) in [("degC", "K"), ("kts", "m s-1"), ("hPa", "Pa"), ("cm", "m"), ("%", "1"), ("µg/m³", "kg m-3"), ("dam", "m")]
        {
            for value in [1e-3, 0.1, 7.3, 288.15, 1013.25] {
                let back = convert(convert(value, a, b), b, a);
                // Two products, two quotients and two sums, each to half a unit in the last place of at most 1300.
                assert!(
                    (back - value).abs() <= 6.0 * f64::EPSILON * value.max(273.15 * f64::from(u8::from(a == "degC"))),
                    "{a} {value} {back}"
                );
            }
        }
    }

    #[test]
    fn bridges_are_crossed_both_ways_and_only_where_allowed() {
        let units = |text| Units::parse(text).expect("known");
        let across = |from, to, bridge| units(from).to_across(&units(to), bridge).map(|l| l.apply(3.0));
        assert_eq!(across("m", "kg m-2", Some(Bridge::Water)), Ok(3000.0));
        assert_eq!(across("kg m-2", "mm", Some(Bridge::Water)), Ok(3.0));
        assert_eq!(across("m s-1", "kg m-2 s-1", Some(Bridge::Water)), Ok(3000.0));
        assert_eq!(across("kg m-2", "kg m-2", Some(Bridge::Water)), Ok(3.0));
        assert_eq!(across("m", "m2 s-2", Some(Bridge::Geopotential)), Ok(3.0 * GRAVITY));
        let dam = across("dam", "m2 s-2", Some(Bridge::Geopotential)).expect("a bridge");
        assert!((dam / (30.0 * GRAVITY) - 1.0).abs() < 4.0 * f64::EPSILON);
        assert!(across("m", "kg m-2", None).is_err());
        assert!(across("m", "kg m-2", Some(Bridge::Geopotential)).is_err());
        assert!(across("m", "kg m-2 s-1", Some(Bridge::Water)).is_err());
    }

    #[test]
    fn what_is_no_unit_is_refused_by_name() {
        let problem = |text| Units::parse(text).expect_err(text).to_string();
        assert!(problem("furlong s-1").contains("`furlong`"));
        assert!(problem("").contains("not a known unit"));
        assert!(problem("m--2").contains("`m--2`"));
        let different = Units::parse("K").and_then(|k| k.to(&Units::parse("m s-1")?)).expect_err("different").to_string();
        assert_eq!(different, "units `K` cannot become `m s-1`");
    }
}
