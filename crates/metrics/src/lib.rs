//! Is it right: analytic fields to regrid, error norms against them, and what became of the integral.
//!
//! ```
//! use knarr_metrics::{AnalyticField, ErrorNorms};
//! let truth: Vec<f64> = (0..360).map(|lon| AnalyticField::Harmonic.value_deg(f64::from(lon), 40.0)).collect();
//! let off: Vec<f64> = truth.iter().map(|v| v * 1.01).collect();
//! let norms = ErrorNorms::of(&off, &truth, None, None).unwrap();
//! assert!((norms.misfit.unwrap().mean - 0.01).abs() < 1e-15);
//! ```

mod analytic;
mod conservation;
mod norms;

pub use analytic::AnalyticField;
pub use conservation::{Conservation, integral};
pub use norms::{ErrorNorms, ErrorSums, Misfit, NormsError};
