//! The state of a component as named arrays.

use crate::ComponentError;
use std::collections::BTreeMap;

/// An array of a state.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Array {
    /// Real numbers, kept to the bit.
    Real(Vec<f64>),
    /// Whole numbers.
    Whole(Vec<i64>),
    /// Flags.
    Flags(Vec<bool>),
}

/// Named arrays that hold all that a later step depends on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State(BTreeMap<String, Array>);

impl State {
    /// No arrays.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with an array of real numbers.
    #[must_use]
    pub fn with(mut self, name: &str, values: &[f64]) -> Self {
        self.0.insert(name.to_owned(), Array::Real(values.to_vec()));
        self
    }

    /// The same with an array of whole numbers.
    #[must_use]
    pub fn with_whole(mut self, name: &str, values: &[i64]) -> Self {
        self.0.insert(name.to_owned(), Array::Whole(values.to_vec()));
        self
    }

    /// The same with an array of flags.
    #[must_use]
    pub fn with_flags(mut self, name: &str, values: &[bool]) -> Self {
        self.0.insert(name.to_owned(), Array::Flags(values.to_vec()));
        self
    }

    /// Puts an array.
    pub fn put(&mut self, name: impl Into<String>, array: Array) {
        self.0.insert(name.into(), array);
    }

    /// Names and arrays, by name.
    pub fn arrays(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.0.iter().map(|(name, array)| (name.as_str(), array))
    }

    /// An array.
    pub fn find(&self, name: &str) -> Option<&Array> {
        self.0.get(name)
    }

    /// BLAKE3 hash (hex) of names and bits of all arrays.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (name, array) in &self.0 {
            hasher.update(name.as_bytes()).update(b"\n");
            match array {
                Array::Real(v) => v.iter().for_each(|x| {
                    hasher.update(&x.to_le_bytes());
                }),
                Array::Whole(v) => v.iter().for_each(|x| {
                    hasher.update(&x.to_le_bytes());
                }),
                Array::Flags(v) => v.iter().for_each(|&x| {
                    hasher.update(&[u8::from(x)]);
                }),
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    /// An array of real numbers of any length.
    ///
    /// # Errors
    /// [`ComponentError::State`] if it is not there.
    pub fn real(&self, name: &str) -> Result<&[f64], ComponentError> {
        match self.find(name) {
            Some(Array::Real(values)) => Ok(values),
            other => Err(mismatch(name, other, 0)),
        }
    }

    /// An array of whole numbers of any length.
    ///
    /// # Errors
    /// [`ComponentError::State`] if it is not there.
    pub fn whole(&self, name: &str) -> Result<&[i64], ComponentError> {
        match self.find(name) {
            Some(Array::Whole(values)) => Ok(values),
            other => Err(mismatch(name, other, 0)),
        }
    }

    /// An array of flags, `None` if it is not there.
    pub fn flags(&self, name: &str) -> Option<&[bool]> {
        match self.find(name) {
            Some(Array::Flags(values)) => Some(values),
            _ => None,
        }
    }

    /// Adds the arrays of another state, `prefix/` before their names.
    pub fn absorb(&mut self, prefix: &str, other: State) {
        self.0.extend(other.0.into_iter().map(|(name, array)| (format!("{prefix}/{name}"), array)));
    }

    /// The arrays whose names begin with `prefix/`, without it.
    #[must_use]
    pub fn under(&self, prefix: &str) -> State {
        let prefix = format!("{prefix}/");
        let own = self.0.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix));
        Self(own.map(|(name, array)| (name[prefix.len()..].to_owned(), array.clone())).collect())
    }

    /// Copies an array of real numbers into `into`.
    ///
    /// # Errors
    /// [`ComponentError::State`] if it is not there or has another length.
    pub fn copy(&self, name: &str, into: &mut [f64]) -> Result<(), ComponentError> {
        match self.find(name) {
            Some(Array::Real(values)) if values.len() == into.len() => into.copy_from_slice(values),
            other => return Err(mismatch(name, other, into.len())),
        }
        Ok(())
    }

    /// Copies an array of whole numbers into `into`.
    ///
    /// # Errors
    /// As [`State::copy`].
    pub fn copy_whole(&self, name: &str, into: &mut [i64]) -> Result<(), ComponentError> {
        match self.find(name) {
            Some(Array::Whole(values)) if values.len() == into.len() => into.copy_from_slice(values),
            other => return Err(mismatch(name, other, into.len())),
        }
        Ok(())
    }

    /// Copies an array of flags into `into`.
    ///
    /// # Errors
    /// As [`State::copy`].
    pub fn copy_flags(&self, name: &str, into: &mut [bool]) -> Result<(), ComponentError> {
        match self.find(name) {
            Some(Array::Flags(values)) if values.len() == into.len() => into.copy_from_slice(values),
            other => return Err(mismatch(name, other, into.len())),
        }
        Ok(())
    }
}

fn mismatch(name: &str, found: Option<&Array>, expected: usize) -> ComponentError {
    let found = match found {
        None => "it is not there".to_owned(),
        Some(Array::Real(v)) => format!("found {} real numbers", v.len()),
        Some(Array::Whole(v)) => format!("found {} whole numbers", v.len()),
        Some(Array::Flags(v)) => format!("found {} flags", v.len()),
    };
    ComponentError::State { array: name.to_owned(), problem: format!("{found}, expected {expected} values of its kind") }
}
