//! Metadata of a file, read once when it is opened.

use super::{Dimension, File, ValueType, Variable};
use crate::IoError;
use knarr_field::{Attribute, Attributes, NumberType};
use netcdf::AttributeValue;
use netcdf::types::{FloatType, IntType, NcVariableType};
use std::collections::HashSet;

pub(super) fn dimension(dim: &netcdf::Dimension<'_>, group: &str) -> Dimension {
    Dimension { name: qualified(group, &dim.name()), len: dim.len(), unlimited: dim.is_unlimited() }
}

fn qualified(group: &str, name: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") }
}

/// Reads a group and those inside it; `around` has the dimensions of the groups around it, outermost first.
pub(super) fn read_group(
    file: &File,
    group: &netcdf::Group<'_>,
    path: &str,
    around: &[Vec<Dimension>],
    dimensions: &mut Vec<Dimension>,
    variables: &mut Vec<Variable>,
) -> Result<(), IoError> {
    let own: Vec<Dimension> = group.dimensions().map(|d| dimension(&d, path)).collect();
    dimensions.extend(own.iter().cloned());
    let scopes: Vec<Vec<Dimension>> = around.iter().cloned().chain([own]).collect();
    for v in group.variables() {
        variables.push(variable(file, &v, path, &scopes)?);
    }
    let mut seen = HashSet::new();
    for inner in group.groups() {
        let name = inner.name();
        if seen.insert(name.clone()) {
            read_group(file, &inner, &qualified(path, &name), &scopes, dimensions, variables)?;
        }
    }
    Ok(())
}

pub(super) fn variable(
    file: &File,
    v: &netcdf::Variable<'_>,
    group: &str,
    scopes: &[Vec<Dimension>],
) -> Result<Variable, IoError> {
    let name = qualified(group, &v.name());
    let dims = v
        .dimensions()
        .iter()
        .map(|d| {
            let plain = d.name();
            // The innermost group that has a dimension of this name and length owns it.
            scopes
                .iter()
                .rev()
                .flatten()
                .find(|known| known.name.rsplit('/').next() == Some(&plain) && known.len == d.len())
                .cloned()
                .unwrap_or_else(|| dimension(d, ""))
        })
        .collect();
    let value_type = match v.vartype() {
        NcVariableType::Int(IntType::I8) => ValueType::Number(NumberType::I8),
        NcVariableType::Int(IntType::U8) => ValueType::Number(NumberType::U8),
        NcVariableType::Int(IntType::I16) => ValueType::Number(NumberType::I16),
        NcVariableType::Int(IntType::U16) => ValueType::Number(NumberType::U16),
        NcVariableType::Int(IntType::I32) => ValueType::Number(NumberType::I32),
        NcVariableType::Int(IntType::U32) => ValueType::Number(NumberType::U32),
        NcVariableType::Int(IntType::I64) => ValueType::Number(NumberType::I64),
        NcVariableType::Int(IntType::U64) => ValueType::Number(NumberType::U64),
        NcVariableType::Float(FloatType::F32) => ValueType::Number(NumberType::F32),
        NcVariableType::Float(FloatType::F64) => ValueType::Number(NumberType::F64),
        NcVariableType::Char => ValueType::Char,
        NcVariableType::String => ValueType::String,
        NcVariableType::Compound(t) => ValueType::Other(format!("compound {}", t.name)),
        NcVariableType::Opaque(t) => ValueType::Other(format!("opaque {}", t.name)),
        NcVariableType::Enum(t) => ValueType::Other(format!("enumeration {}", t.name)),
        NcVariableType::Vlen(t) => ValueType::Other(format!("variable-length {}", t.name)),
    };
    let attributes = read_attributes(v.attributes(), &|what, e| file.error(&format!("variable `{name}`, {what}"), e))?;
    // Formats before NetCDF-4 have no chunks and say so by an error.
    let chunks = v.chunking().ok().flatten();
    Ok(Variable { name, dims, value_type, attributes, chunks })
}

pub(super) fn read_attributes<'a>(
    list: impl Iterator<Item = netcdf::Attribute<'a>>,
    fail: &dyn Fn(&str, &netcdf::Error) -> IoError,
) -> Result<Attributes, IoError> {
    let mut attributes = Attributes::new();
    for a in list {
        let name = a.name().to_owned();
        match a.value() {
            Ok(value) => attributes.set(name, attribute(value)),
            // Attributes of user-defined types mean nothing to CF.
            Err(netcdf::Error::TypeUnknown(_)) => {}
            Err(e) => return Err(fail(&format!("attribute `{name}`"), &e)),
        }
    }
    Ok(attributes)
}

fn attribute(value: AttributeValue) -> Attribute {
    use NumberType as N;
    fn numbers<T: Copy>(values: &[T], to: impl Fn(T) -> f64, kind: NumberType) -> Attribute {
        Attribute::Numbers(values.iter().map(|&v| to(v)).collect(), kind)
    }
    match value {
        AttributeValue::Schar(v) => numbers(&[v], f64::from, N::I8),
        AttributeValue::Schars(v) => numbers(&v, f64::from, N::I8),
        AttributeValue::Uchar(v) => numbers(&[v], f64::from, N::U8),
        AttributeValue::Uchars(v) => numbers(&v, f64::from, N::U8),
        AttributeValue::Short(v) => numbers(&[v], f64::from, N::I16),
        AttributeValue::Shorts(v) => numbers(&v, f64::from, N::I16),
        AttributeValue::Ushort(v) => numbers(&[v], f64::from, N::U16),
        AttributeValue::Ushorts(v) => numbers(&v, f64::from, N::U16),
        AttributeValue::Int(v) => numbers(&[v], f64::from, N::I32),
        AttributeValue::Ints(v) => numbers(&v, f64::from, N::I32),
        AttributeValue::Uint(v) => numbers(&[v], f64::from, N::U32),
        AttributeValue::Uints(v) => numbers(&v, f64::from, N::U32),
        AttributeValue::Longlong(v) => numbers(&[v], |x| x as f64, N::I64),
        AttributeValue::Longlongs(v) => numbers(&v, |x| x as f64, N::I64),
        AttributeValue::Ulonglong(v) => numbers(&[v], |x| x as f64, N::U64),
        AttributeValue::Ulonglongs(v) => numbers(&v, |x| x as f64, N::U64),
        AttributeValue::Float(v) => numbers(&[v], f64::from, N::F32),
        AttributeValue::Floats(v) => numbers(&v, f64::from, N::F32),
        AttributeValue::Double(v) => numbers(&[v], |x| x, N::F64),
        AttributeValue::Doubles(v) => numbers(&v, |x| x, N::F64),
        AttributeValue::Str(text) => Attribute::Text(text),
        AttributeValue::Strs(strings) => Attribute::Strings(strings),
    }
}
