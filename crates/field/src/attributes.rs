//! Attributes of variables and files, in the order of the file.

/// Storage type of a number in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberType {
    /// 8-bit signed integer.
    I8,
    /// 8-bit unsigned integer.
    U8,
    /// 16-bit signed integer.
    I16,
    /// 16-bit unsigned integer.
    U16,
    /// 32-bit signed integer.
    I32,
    /// 32-bit unsigned integer.
    U32,
    /// 64-bit signed integer.
    I64,
    /// 64-bit unsigned integer.
    U64,
    /// 32-bit floating point.
    F32,
    /// 64-bit floating point.
    F64,
}

impl NumberType {
    /// Bytes of one value.
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// Whether it is a floating-point type.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// `value` as this type would hold it: rounded to `f32`, or cut to an integer; `None` where it does not fit.
    pub fn represent(self, value: f64) -> Option<f64> {
        let (low, high) = match self {
            Self::F64 => return Some(value),
            // A finite double beyond the range of single precision becomes infinite in C; it can match nothing.
            Self::F32 => return Some(f64::from(value as f32)).filter(|v| v.is_finite() || !value.is_finite()),
            Self::I8 => (f64::from(i8::MIN), f64::from(i8::MAX)),
            Self::U8 => (0.0, f64::from(u8::MAX)),
            Self::I16 => (f64::from(i16::MIN), f64::from(i16::MAX)),
            Self::U16 => (0.0, f64::from(u16::MAX)),
            Self::I32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
            Self::U32 => (0.0, f64::from(u32::MAX)),
            Self::I64 => (i64::MIN as f64, i64::MAX as f64),
            Self::U64 => (0.0, u64::MAX as f64),
        };
        let whole = value.trunc();
        (low..=high).contains(&whole).then_some(whole)
    }
}

impl std::fmt::Display for NumberType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::I16 => "int16",
            Self::U16 => "uint16",
            Self::I32 => "int32",
            Self::U32 => "uint32",
            Self::I64 => "int64",
            Self::U64 => "uint64",
            Self::F32 => "float32",
            Self::F64 => "float64",
        })
    }
}

/// Value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// Characters.
    Text(String),
    /// Numbers, and the type they are stored as.
    Numbers(Vec<f64>, NumberType),
    /// Several strings (NetCDF-4 only).
    Strings(Vec<String>),
}

impl Attribute {
    /// The text, if it is text or exactly one string.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Strings(strings) if strings.len() == 1 => Some(&strings[0]),
            _ => None,
        }
    }

    /// The numbers, if it is numeric.
    pub fn numbers(&self) -> Option<&[f64]> {
        match self {
            Self::Numbers(values, _) => Some(values),
            _ => None,
        }
    }

    /// The first number, if it is numeric and not empty.
    pub fn number(&self) -> Option<f64> {
        self.numbers().and_then(|n| n.first()).copied()
    }
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Attribute {
    fn from(value: f64) -> Self {
        Self::Numbers(vec![value], NumberType::F64)
    }
}

impl From<Vec<f64>> for Attribute {
    fn from(values: Vec<f64>) -> Self {
        Self::Numbers(values, NumberType::F64)
    }
}

impl From<i32> for Attribute {
    fn from(value: i32) -> Self {
        Self::Numbers(vec![f64::from(value)], NumberType::I32)
    }
}

impl std::fmt::Display for Attribute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |items: Vec<String>| items.join(", ");
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Numbers(values, _) => f.write_str(&list(values.iter().map(f64::to_string).collect())),
            Self::Strings(strings) => f.write_str(&list(strings.clone())),
        }
    }
}

/// Attributes by name, in the order of the file; setting one keeps its place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<(String, Attribute)>);

impl Attributes {
    /// No attributes.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The attribute of that name.
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The text of the attribute of that name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Attribute::text)
    }

    /// The first number of the attribute of that name.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(Attribute::number)
    }

    /// The numbers of the attribute of that name.
    pub fn numbers(&self, name: &str) -> Option<&[f64]> {
        self.get(name).and_then(Attribute::numbers)
    }

    /// Whether there is an attribute of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets an attribute, in its place if it is there, else at the end.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Attribute>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Takes an attribute away.
    pub fn remove(&mut self, name: &str) -> Option<Attribute> {
        let index = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(index).1)
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Number of attributes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>, V: Into<Attribute>> FromIterator<(N, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(items: I) -> Self {
        let mut attributes = Self::new();
        for (name, value) in items {
            attributes.set(name, value);
        }
        attributes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_an_attribute_keeps_its_place() {
        let mut a: Attributes = [("units", "K"), ("long_name", "t")].into_iter().collect();
        a.set("units", "degC");
        a.set("cell_methods", "time: mean");
        let names: Vec<&str> = a.iter().map(|(n, _)| n).collect();
        assert_eq!(names, ["units", "long_name", "cell_methods"]);
        assert_eq!(a.text("units"), Some("degC"));
        assert_eq!(a.remove("long_name"), Some("t".into()));
        assert_eq!(a.len(), 2);
    }

    #[test]
    fn fill_values_are_represented_as_the_type_holds_them() {
        assert_eq!(NumberType::F32.represent(1e20), Some(f64::from(1e20f32)));
        assert_eq!(NumberType::F32.represent(1e300), None);
        assert_eq!(NumberType::I8.represent(-128.0), Some(-128.0));
        assert_eq!(NumberType::U8.represent(-1.0), None);
        assert_eq!(NumberType::I16.represent(40000.0), None);
        assert_eq!(NumberType::I32.represent(f64::NAN), None);
        assert!(NumberType::F32.represent(f64::NAN).expect("NaN is a float").is_nan());
    }
}
