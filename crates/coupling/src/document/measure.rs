//! Numbers with their units in the text, and values with their place.

use super::Place;
use knarr_field::units::Units;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// The name by which a struct asks for its place.
pub(super) const PLACED: &str = "knarr placed value";

/// A value with its place in the document.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed<T> {
    /// Where it stands; line 0 if it comes from no document.
    pub place: Place,
    /// The value.
    pub value: T,
}

impl<T> Placed<T> {
    /// A value that comes from no document.
    pub fn nowhere(value: T) -> Self {
        Self { place: Place::default(), value }
    }
}

impl<T> std::ops::Deref for Placed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Parts<T> {
            type Value = Placed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value of a document")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Placed<T>, A::Error> {
                let missing = || de::Error::custom("a place without a value");
                let line = parts.next_element()?.ok_or_else(missing)?;
                let column = parts.next_element()?.ok_or_else(missing)?;
                Ok(Placed { place: Place { line, column }, value: parts.next_element()?.ok_or_else(missing)? })
            }
        }
        deserializer.deserialize_struct(PLACED, &["line", "column", "value"], Parts(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Placed<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Units as a type.
pub trait Unit {
    /// The units that values are kept in.
    const UNITS: &'static str;
    /// How a value is written.
    const EXAMPLE: &'static str;
}

/// A number read with its units from the text and kept in the units `U`.
pub struct Measure<U>(f64, PhantomData<fn() -> U>);

impl<U: Unit> Measure<U> {
    /// A value in the units `U`.
    pub const fn new(value: f64) -> Self {
        Self(value, PhantomData)
    }

    /// The value in the units `U`.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Reads `200 km`.
    ///
    /// # Errors
    /// Says what is wrong and how it is written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        // The longest start that is a number; an `e` may be an exponent or begin a unit.
        let number = (1..=text.len())
            .rev()
            .filter(|&end| text.is_char_boundary(end) && text[..end].ends_with(|c: char| c.is_ascii_digit() || c == '.'))
            .find_map(|end| Some((text[..end].parse::<f64>().ok()?, &text[end..])));
        let Some((number, units)) = number else {
            return Err(format!("`{text}` is no number with units, expected one such as `{}`", U::EXAMPLE));
        };
        let wanted = Units::parse(U::UNITS).expect("the units of this module are known");
        let units = if units.trim().is_empty() { "1" } else { units };
        let conversion = Units::parse(units).and_then(|units| units.to(&wanted));
        match conversion {
            Ok(conversion) => Ok(Self::new(conversion.apply(number))),
            Err(error) => Err(format!("{error}, expected a number with units such as `{}`", U::EXAMPLE)),
        }
    }
}

impl<U> Clone for Measure<U> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<U> Copy for Measure<U> {}

impl<U> PartialEq for Measure<U> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<U: Unit> fmt::Debug for Measure<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, U::UNITS)
    }
}

impl<U: Unit> fmt::Display for Measure<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, U::UNITS)
    }
}

impl<'de, U: Unit> Deserialize<'de> for Measure<U> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<U>(PhantomData<U>);
        impl<U: Unit> Visitor<'_> for Text<U> {
            type Value = Measure<U>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a number with units such as `{}`", U::EXAMPLE)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Measure<U>, E> {
                Measure::parse(text).map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Measure<U>, E> {
                if U::UNITS == "1" {
                    Ok(Measure::new(value as f64))
                } else {
                    Err(E::invalid_type(de::Unexpected::Signed(value), &self))
                }
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Measure<U>, E> {
                if U::UNITS == "1" { Ok(Measure::new(value)) } else { Err(E::invalid_type(de::Unexpected::Float(value), &self)) }
            }
        }
        deserializer.deserialize_any(Text(PhantomData))
    }
}

/// As it is written in experiments.
impl<U: Unit> Serialize for Measure<U> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if U::UNITS == "1" { serializer.serialize_f64(self.0) } else { serializer.collect_str(self) }
    }
}

impl<U: Unit> JsonSchema for Measure<U> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("number in {}", U::UNITS).into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        if U::UNITS == "1" {
            json_schema!({ "type": ["number", "string"], "examples": [U::EXAMPLE] })
        } else {
            json_schema!({ "type": "string", "pattern": r"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*\S", "examples": [U::EXAMPLE] })
        }
    }
}

macro_rules! measures {
    ($($(#[$doc:meta])* $alias:ident, $unit:ident, $units:literal, $example:literal;)*) => {$(
        #[doc = concat!("Units: ", $units, ".")]
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $unit;
        impl Unit for $unit {
            const UNITS: &'static str = $units;
            const EXAMPLE: &'static str = $example;
        }
        $(#[$doc])*
        #[doc = concat!("Kept in ", $units, "; written as `", $example, "`.")]
        pub type $alias = Measure<$unit>;
    )*};
}

measures! {
    /// A length, depth or height.
    Length, Metres, "m", "50 m";
    /// A temperature.
    Temperature, Kelvins, "K", "-1.8 degC";
    /// A time, where a formula needs it; periods of the run are written as in ISO 8601.
    Seconds, SecondsUnit, "s", "10 day";
    /// A speed.
    Speed, MetresPerSecond, "m s-1", "5 m s-1";
    /// A pressure.
    Pressure, Pascals, "Pa", "1013.25 hPa";
    /// A flux of energy.
    EnergyFlux, WattsPerSquareMetre, "W m-2", "2 W m-2";
    /// A flux of mass.
    MassFlux, KilogramsPerSquareMetreSecond, "kg m-2 s-1", "3e-5 kg m-2 s-1";
    /// A mass per area.
    AreaMass, KilogramsPerSquareMetre, "kg m-2", "150 kg m-2";
    /// A density.
    Density, KilogramsPerCubicMetre, "kg m-3", "1025 kg m-3";
    /// A heat capacity.
    HeatCapacity, JoulesPerKilogramKelvin, "J kg-1 K-1", "3985 J kg-1 K-1";
    /// A heat per mass.
    SpecificHeat, JoulesPerKilogram, "J kg-1", "334000 J kg-1";
    /// A conductivity of heat.
    Conductivity, WattsPerMetreKelvin, "W m-1 K-1", "2.03 W m-1 K-1";
    /// A number without units; `%` is understood.
    Fraction, One, "1", "0.3";
}
