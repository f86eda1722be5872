//! What is on a grid: values with CF metadata, calendars and time axes.

mod attributes;
mod calendar;
mod cell_methods;
mod error;
mod field;
mod names;
mod parametric;
mod time;
pub mod units;
mod vectors;

pub use attributes::{Attribute, Attributes, NumberType};
pub use calendar::{Calendar, Date};
pub use cell_methods::{CellMethod, CellMethods};
pub use error::FieldError;
pub use field::Field;
pub use names::near;
pub use parametric::{Parametric, VerticalQuantity};
pub use time::{DateTime, TimeAxis, TimeUnits};
pub use vectors::{VectorComponent, VectorFrame, VectorRole};
