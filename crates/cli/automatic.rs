//! `--method auto`: which method suits a variable, and why.

use crate::failure::Failure;
use crate::options::MethodName;
use knarr::field::CellMethods;
use knarr::io::VariableInfo;

/// The table of `methods.toml`.
#[derive(serde::Deserialize)]
pub struct Automatic {
    conservative: Vec<String>,
    bilinear: Vec<String>,
    nearest: Vec<String>,
    words: Words,
    units: UnitWords,
}

#[derive(serde::Deserialize)]
struct Words {
    nearest: Vec<String>,
    conservative: Vec<String>,
}

#[derive(serde::Deserialize)]
struct UnitWords {
    conservative: Vec<String>,
}

/// A method and the reason for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The method.
    pub method: MethodName,
    /// Why, in words.
    pub why: String,
}

impl Automatic {
    /// Reads the table.
    pub fn load() -> Result<Self, Failure> {
        toml::from_str(include_str!("methods.toml")).map_err(|e| Failure::new(format!("the table of methods is broken: {e}")))
    }

    /// The method for a variable.
    pub fn choose(&self, variable: &VariableInfo) -> Choice {
        let attributes = &variable.attributes;
        let pick = |method, why: String| Choice { method, why };
        if let Some(flags) = ["flag_values", "flag_masks", "flag_meanings"].into_iter().find(|name| attributes.contains(name)) {
            return pick(MethodName::Nearest, format!("it has `{flags}`"));
        }
        let standard_name = attributes.text("standard_name").and_then(|name| name.split_whitespace().next());
        if let Some(name) = standard_name {
            let listed = |names: &[String]| names.iter().any(|n| n == name);
            let by_name = [
                (MethodName::Conservative, &self.conservative),
                (MethodName::Bilinear, &self.bilinear),
                (MethodName::Nearest, &self.nearest),
            ];
            if let Some((method, _)) = by_name.into_iter().find(|(_, names)| listed(names)) {
                return pick(method, format!("standard_name `{name}`"));
            }
        }
        for (what, text) in [("standard_name", standard_name), ("long_name", attributes.text("long_name"))] {
            let Some(text) = text else { continue };
            let plain = format!("_{}", text.to_lowercase().replace([' ', '-'], "_"));
            let word_of = |words: &[String]| words.iter().find(|w| plain.contains(w.as_str())).cloned();
            if let Some(word) = word_of(&self.words.nearest) {
                return pick(MethodName::Nearest, format!("{what} `{text}` says {}", word.trim_matches('_')));
            }
            if let Some(word) = word_of(&self.words.conservative) {
                return pick(MethodName::Conservative, format!("{what} `{text}` says {}", word.trim_matches('_')));
            }
        }
        let methods = CellMethods::parse(attributes.text("cell_methods").unwrap_or_default());
        if methods.0.iter().any(|m| m.method == "sum") {
            return pick(MethodName::Conservative, "cell_methods says sum".to_owned());
        }
        if let Some(units) = attributes.text("units").filter(|u| self.units.conservative.iter().any(|c| c == u.trim())) {
            return pick(MethodName::Conservative, format!("units `{units}`"));
        }
        let packed = attributes.contains("scale_factor") || attributes.contains("add_offset");
        if variable.dtype.number().is_some_and(|n| !n.is_float()) && !packed {
            return pick(MethodName::Nearest, format!("its values are {}", variable.dtype));
        }
        pick(MethodName::Bilinear, "taken as a state: nothing says flux, amount, fraction or category".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr::field::NumberType;
    use knarr::io::Role;
    use knarr::io::nc::ValueType;

    fn choose(attributes: &[(&str, &str)], number: NumberType) -> MethodName {
        let info = VariableInfo {
            name: "v".into(),
            dims: vec![("cell".into(), 3)],
            dtype: ValueType::Number(number),
            attributes: attributes.iter().copied().collect(),
            role: Role::Data,
        };
        Automatic::load().expect("the table is valid").choose(&info).method
    }

    #[test]
    fn what_a_variable_is_decides() {
        use MethodName::{Bilinear, Conservative, Nearest};
        use NumberType::{F32, I16};
        assert_eq!(choose(&[("standard_name", "air_temperature")], F32), Bilinear);
        assert_eq!(choose(&[("standard_name", "precipitation_flux")], F32), Conservative);
        assert_eq!(choose(&[("standard_name", "surface_upward_water_flux")], F32), Conservative, "by a word");
        assert_eq!(choose(&[("long_name", "Convective precipitation")], F32), Conservative);
        assert_eq!(choose(&[("units", "W m-2")], F32), Conservative);
        assert_eq!(choose(&[("standard_name", "air_temperature"), ("flag_meanings", "a b")], F32), Nearest);
        assert_eq!(choose(&[("standard_name", "soil_type")], F32), Nearest);
        assert_eq!(choose(&[], I16), Nearest);
        assert_eq!(choose(&[("scale_factor", "0.1")], I16), Bilinear, "packed values are numbers");
        assert_eq!(choose(&[("cell_methods", "time: sum")], F32), Conservative);
        assert_eq!(choose(&[], F32), Bilinear);
    }

    #[test]
    fn no_name_is_in_two_lists() {
        let table = Automatic::load().expect("the table is valid");
        let mut all: Vec<&String> = [&table.conservative, &table.bilinear, &table.nearest].into_iter().flatten().collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
