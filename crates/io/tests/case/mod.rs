//! Small files with the variables of a test.

use knarr_io::{Dataset, IoError, VariableGrid, read_grid};
use netcdf::AttributeValue;
use std::path::{Path, PathBuf};

/// Values of a test variable.
#[derive(Clone)]
pub enum Data {
    F64(Vec<f64>),
    F32(Vec<f64>),
    I32(Vec<i32>),
}

pub type Attributes<'a> = &'a [(&'a str, AttributeValue)];

pub struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn file(&self, name: &str, dims: &[(&str, usize)], variables: &[(&str, &[&str], Data, Attributes<'_>)]) -> PathBuf {
        let path = self.path(name);
        let mut file = netcdf::create(&path).expect("a file");
        for (dim, len) in dims {
            file.add_dimension(dim, *len).expect("dimension");
        }
        for (name, dims, data, attributes) in variables {
            let mut variable = match data {
                Data::F64(_) => file.add_variable::<f64>(name, dims),
                Data::F32(_) => file.add_variable::<f32>(name, dims),
                Data::I32(_) => file.add_variable::<i32>(name, dims),
            }
            .expect("variable");
            for (key, value) in *attributes {
                variable.put_attribute(key, value.clone()).expect("attribute");
            }
            match data {
                Data::F64(v) => variable.put_values(v, ..),
                Data::F32(v) => variable.put_values(&v.iter().map(|&x| x as f32).collect::<Vec<_>>(), ..),
                Data::I32(v) => variable.put_values(v, ..),
            }
            .expect("values");
        }
        path
    }
}

pub fn t(text: &str) -> AttributeValue {
    AttributeValue::Str(text.to_owned())
}

pub fn read(path: &Path, variable: &str) -> Result<VariableGrid, IoError> {
    read_grid(&Dataset::open(path).expect("it opens"), variable)
}

pub fn grid_of(path: &Path, variable: &str) -> VariableGrid {
    read(path, variable).unwrap_or_else(|e| panic!("{e}"))
}

pub fn noted(found: &VariableGrid, words: &str) -> bool {
    found.grid.report.notes.iter().any(|n| n.contains(words))
}
