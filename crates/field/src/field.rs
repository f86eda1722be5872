//! Values on a grid.

use crate::{Attributes, FieldError};
use knarr_grid::Grid;
use ndarray::Array2;
use std::sync::Arc;

/// Values on a grid with CF metadata: one row of cells for each combination of the other dimensions.
#[derive(Clone, Debug)]
pub struct Field {
    /// Name of the variable.
    pub name: String,
    /// Attributes, as in the file.
    pub attributes: Attributes,
    /// Where the values are.
    pub grid: Arc<Grid>,
    /// Names and lengths of the other dimensions, slowest first.
    pub extra_dims: Vec<(String, usize)>,
    /// Values, `[slab][cell]`, in the units of the attributes; what stands where a value is missing means nothing.
    pub values: Array2<f64>,
    /// Which values are valid; `None` if all are.
    pub valid: Option<Array2<bool>>,
}

impl Field {
    /// A field.
    ///
    /// # Errors
    /// [`FieldError::WrongShape`] if values or validity do not have one row for each combination of the extra
    /// dimensions and one column for each cell.
    pub fn new(
        name: impl Into<String>,
        attributes: Attributes,
        grid: Arc<Grid>,
        extra_dims: Vec<(String, usize)>,
        values: Array2<f64>,
        valid: Option<Array2<bool>>,
    ) -> Result<Self, FieldError> {
        let name = name.into();
        let slabs: usize = extra_dims.iter().map(|(_, len)| len).product();
        let wrong = |what, found, expected| FieldError::WrongShape { name: name.clone(), what, found, expected };
        if values.nrows() != slabs {
            return Err(wrong("slabs", values.nrows(), slabs));
        }
        if values.ncols() != grid.len() {
            return Err(wrong("a slab", values.ncols(), grid.len()));
        }
        if let Some(valid) = valid.as_ref().filter(|v| v.dim() != values.dim()) {
            return Err(wrong("validity", valid.len(), values.len()));
        }
        Ok(Self { name, attributes, grid, extra_dims, values, valid })
    }

    /// Number of slabs.
    pub fn slab_count(&self) -> usize {
        self.values.nrows()
    }

    /// Whether a value is there.
    pub fn is_valid(&self, slab: usize, cell: usize) -> bool {
        self.valid.as_ref().is_none_or(|v| v[[slab, cell]])
    }

    /// The `units` attribute.
    pub fn units(&self) -> Option<&str> {
        self.attributes.text("units")
    }

    /// The `standard_name` attribute without its modifier.
    pub fn standard_name(&self) -> Option<&str> {
        self.attributes.text("standard_name").and_then(|name| name.split_whitespace().next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_grid::{CornerSource, Family, Layout, LonLat, Mask, Report};

    fn three_points() -> Arc<Grid> {
        let centers = (0..3).map(|i| LonLat { lon_deg: f64::from(i), lat_deg: 0.0 }).collect();
        Arc::new(Grid {
            family: Family::Points,
            shape: vec![3],
            layout: Layout::Points { centers },
            mask: Mask::ALL,
            report: Report::new("made for a test", CornerSource::None),
        })
    }

    #[test]
    fn shapes_must_agree() {
        let make = |rows, columns, valid: Option<(usize, usize)>| {
            let valid = valid.map(|shape| Array2::from_elem(shape, true));
            Field::new(
                "t",
                Attributes::new(),
                three_points(),
                vec![("time".into(), 2), ("lev".into(), 2)],
                Array2::zeros((rows, columns)),
                valid,
            )
        };
        assert!(make(4, 3, Some((4, 3))).is_ok());
        let what = |f: Result<Field, FieldError>| f.expect_err("shapes differ").to_string();
        assert_eq!(what(make(2, 3, None)), "field `t`: slabs has 2 values, expected 4");
        assert_eq!(what(make(4, 5, None)), "field `t`: a slab has 5 values, expected 3");
        assert_eq!(what(make(4, 3, Some((3, 4)))), "field `t`: validity has 12 values, expected 12");
    }

    #[test]
    fn names_and_validity_come_from_what_was_given() {
        let attributes = [("standard_name", "air_temperature status_flag"), ("units", "K")].into_iter().collect();
        let valid = ndarray::arr2(&[[true, false, true]]);
        let field = Field::new("t", attributes, three_points(), vec![], Array2::zeros((1, 3)), Some(valid)).expect("fits");
        assert_eq!(field.standard_name(), Some("air_temperature"));
        assert_eq!(field.units(), Some("K"));
        assert!(field.is_valid(0, 0) && !field.is_valid(0, 1));
        assert_eq!(field.slab_count(), 1);
    }
}
