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
mod cell_means;
mod conservation;
mod gradient;
mod local;
mod norms;
mod spectral;

pub use analytic::AnalyticField;
pub use cell_means::cell_means;
pub use conservation::{Conservation, integral};
pub use gradient::{GradientNorms, gradients};
pub use local::{GlobalExtrema, LocalExtrema};
pub use norms::{ErrorNorms, ErrorSums, Misfit, NormsError};
pub use spectral::{SpectralField, SpectralKind};
