//! Vertical coordinates by formula: the parametric coordinates of CF, Appendix D.
//!
//! Symbols are the terms of `formula_terms`; `k` counts levels, `n` columns (and times).
//!
//! | `standard_name` | formula | result |
//! |---|---|---|
//! | `atmosphere_ln_pressure_coordinate` | p = p0 · exp(−lev(k)) | pressure |
//! | `atmosphere_sigma_coordinate` | p = ptop + sigma(k) · (ps(n) − ptop) | pressure |
//! | `atmosphere_hybrid_sigma_pressure_coordinate` | p = ap(k) + b(k) · ps(n), or a(k) · p0 + b(k) · ps(n) | pressure |
//! | `atmosphere_hybrid_height_coordinate` | z = a(k) + b(k) · orog(n) | height |
//! | `atmosphere_sleve_coordinate` | z = a(k) · ztop + b1(k) · zsurf1(n) + b2(k) · zsurf2(n) | height |
//! | `ocean_sigma_coordinate` | z = eta(n) + sigma(k) · (depth(n) + eta(n)) | height |
//! | `ocean_s_coordinate` | z = eta · (1 + s) + depth_c · s + (depth − depth_c) · C(k), C by a and b | height |
//! | `ocean_s_coordinate_g1` | z = S + eta · (1 + S / depth), S = depth_c · s + (depth − depth_c) · C(k) | height |
//! | `ocean_s_coordinate_g2` | z = eta + (eta + depth) · S, S = (depth_c · s + depth · C(k)) / (depth_c + depth) | height |
//! | `ocean_sigma_z_coordinate` | z = eta + sigma(k) · (min(depth_c, depth) + eta), or zlev(k) where sigma is missing | height |
//! | `ocean_double_sigma_coordinate` | z = sigma · f for k ≤ k_c, else f + (sigma − 1) · (depth − f) | height |
//!
//! with C(k) = (1 − b) sinh(a s) / sinh(a) + b [tanh(a (s + ½)) / (2 tanh(a / 2)) − ½] and
//! f = ½ (z1 + z2) + ½ (z1 − z2) tanh(2 a / (z1 − z2) · (depth − href)).

use crate::FieldError;

/// Which formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the table of the module has their names and formulas")]
pub enum Parametric {
    LnPressure,
    Sigma,
    HybridSigmaPressure,
    HybridHeight,
    Sleve,
    OceanSigma,
    OceanS,
    OceanSG1,
    OceanSG2,
    OceanSigmaZ,
    OceanDoubleSigma,
}

/// What a vertical coordinate measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerticalQuantity {
    /// Pressure in Pa; larger below.
    Pressure,
    /// Metres above a datum; larger above.
    Height,
    /// Metres below a datum; larger below.
    Depth,
}

impl Parametric {
    const ALL: [(&str, Self); 11] = [
        ("atmosphere_ln_pressure_coordinate", Self::LnPressure),
        ("atmosphere_sigma_coordinate", Self::Sigma),
        ("atmosphere_hybrid_sigma_pressure_coordinate", Self::HybridSigmaPressure),
        ("atmosphere_hybrid_height_coordinate", Self::HybridHeight),
        ("atmosphere_sleve_coordinate", Self::Sleve),
        ("ocean_sigma_coordinate", Self::OceanSigma),
        ("ocean_s_coordinate", Self::OceanS),
        ("ocean_s_coordinate_g1", Self::OceanSG1),
        ("ocean_s_coordinate_g2", Self::OceanSG2),
        ("ocean_sigma_z_coordinate", Self::OceanSigmaZ),
        ("ocean_double_sigma_coordinate", Self::OceanDoubleSigma),
    ];

    /// The formula of a `standard_name`, if it names one.
    pub fn of_standard_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name.trim()).map(|(_, formula)| *formula)
    }

    /// Its name in CF.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, formula)| *formula == self).map_or("", |(name, _)| name)
    }

    /// What it gives.
    pub fn quantity(self) -> VerticalQuantity {
        match self {
            Self::LnPressure | Self::Sigma | Self::HybridSigmaPressure => VerticalQuantity::Pressure,
            _ => VerticalQuantity::Height,
        }
    }

    /// Terms it needs, of those that a file gives.
    ///
    /// # Errors
    /// [`FieldError::MissingTerm`] with the first that is not among `given`.
    pub fn terms(self, given: &[&str]) -> Result<Vec<&'static str>, FieldError> {
        let needed: &[&'static str] = match self {
            Self::LnPressure => &["p0", "lev"],
            Self::Sigma => &["ptop", "sigma", "ps"],
            Self::HybridSigmaPressure if given.contains(&"ap") => &["ap", "b", "ps"],
            Self::HybridSigmaPressure => &["a", "p0", "b", "ps"],
            Self::HybridHeight => &["a", "b", "orog"],
            Self::Sleve => &["a", "ztop", "b1", "zsurf1", "b2", "zsurf2"],
            Self::OceanSigma => &["sigma", "eta", "depth"],
            Self::OceanS => &["s", "eta", "depth", "a", "b", "depth_c"],
            Self::OceanSG1 | Self::OceanSG2 => &["s", "C", "eta", "depth", "depth_c"],
            Self::OceanSigmaZ => &["sigma", "eta", "depth", "depth_c", "zlev"],
            Self::OceanDoubleSigma => &["sigma", "depth", "z1", "z2", "a", "href", "k_c"],
        };
        match needed.iter().find(|term| !given.contains(term)) {
            Some(term) => Err(FieldError::MissingTerm { coordinate: self.name(), term, given: given.join(", ") }),
            None => Ok(needed.to_vec()),
        }
    }

    /// The coordinate of level `k` (from 0) from the terms in the order of [`Parametric::terms`]; `with_ap` tells the two
    /// forms of hybrid sigma-pressure apart. NaN where a term is NaN (missing).
    pub fn value(self, terms: &[f64], with_ap: bool, k: usize) -> f64 {
        match (self, terms) {
            (Self::LnPressure, &[p0, lev]) => p0 * (-lev).exp(),
            (Self::Sigma, &[ptop, sigma, ps]) => ptop + sigma * (ps - ptop),
            (Self::HybridSigmaPressure, &[ap, b, ps]) if with_ap => ap + b * ps,
            (Self::HybridSigmaPressure, &[a, p0, b, ps]) => a * p0 + b * ps,
            (Self::HybridHeight, &[a, b, orog]) => a + b * orog,
            (Self::Sleve, &[a, ztop, b1, zsurf1, b2, zsurf2]) => a * ztop + b1 * zsurf1 + b2 * zsurf2,
            (Self::OceanSigma, &[sigma, eta, depth]) => eta + sigma * (depth + eta),
            (Self::OceanS, &[s, eta, depth, a, b, depth_c]) => {
                let c = (1.0 - b) * (a * s).sinh() / a.sinh() + b * ((a * (s + 0.5)).tanh() / (2.0 * (0.5 * a).tanh()) - 0.5);
                eta * (1.0 + s) + depth_c * s + (depth - depth_c) * c
            }
            (Self::OceanSG1, &[s, c, eta, depth, depth_c]) => {
                let stretched = depth_c * s + (depth - depth_c) * c;
                stretched + eta * (1.0 + stretched / depth)
            }
            (Self::OceanSG2, &[s, c, eta, depth, depth_c]) => eta + (eta + depth) * (depth_c * s + depth * c) / (depth_c + depth),
            (Self::OceanSigmaZ, &[sigma, eta, depth, depth_c, zlev]) => {
                if sigma.is_nan() {
                    zlev
                } else {
                    eta + sigma * (depth_c.min(depth) + eta)
                }
            }
            (Self::OceanDoubleSigma, &[sigma, depth, z1, z2, a, href, k_c]) => {
                let f = 0.5 * (z1 + z2) + 0.5 * (z1 - z2) * (2.0 * a / (z1 - z2) * (depth - href)).tanh();
                if (k + 1) as f64 <= k_c { sigma * f } else { f + (sigma - 1.0) * (depth - f) }
            }
            _ => f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_give_the_surface_and_the_bottom() {
        let value = |formula: Parametric, terms: &[f64]| formula.value(terms, terms.len() == 3, 0);
        // ECHAM-like level: 5000 Pa + 0.5 of the surface pressure; the same with a and p0.
        assert_eq!(value(Parametric::HybridSigmaPressure, &[5000.0, 0.5, 1e5]), 55_000.0);
        assert_eq!(value(Parametric::HybridSigmaPressure, &[0.05, 1e5, 0.5, 1e5]), 55_000.0);
        assert_eq!(value(Parametric::Sigma, &[1000.0, 1.0, 98_000.0]), 98_000.0);
        assert!((value(Parametric::LnPressure, &[1e5, 2f64.ln()]) - 5e4).abs() < 1e-9);
        assert_eq!(value(Parametric::HybridHeight, &[20.0, 0.9, 1000.0]), 920.0);
        assert_eq!(value(Parametric::Sleve, &[0.1, 2e4, 0.5, 100.0, 0.2, 10.0]), 2052.0);
        let (eta, depth, depth_c, a, b) = (0.7, 4000.0, 50.0, 5.0, 0.4);
        // Every ocean coordinate is eta at the surface (0) and -depth at the bottom (-1).
        for (s, z) in [(0.0, eta), (-1.0, -depth)] {
            let found = [
                value(Parametric::OceanSigma, &[s, eta, depth]),
                value(Parametric::OceanS, &[s, eta, depth, a, b, depth_c]),
                value(Parametric::OceanSG1, &[s, s, eta, depth, depth_c]),
                value(Parametric::OceanSG2, &[s, s, eta, depth, depth_c]),
                value(Parametric::OceanSigmaZ, &[s, eta, depth, 1e9, f64::NAN]),
            ];
            assert!(found.iter().all(|v| (v - z).abs() < 1e-9), "{s}: {found:?}");
        }
        assert_eq!(value(Parametric::OceanSigmaZ, &[f64::NAN, eta, depth, 200.0, -800.0]), -800.0);
    }

    #[test]
    fn double_sigma_joins_at_its_middle_depth() {
        let terms = |sigma: f64| [sigma, 3000.0, 200.0, 50.0, 1.0, 1500.0, 10.0];
        let upper = Parametric::OceanDoubleSigma.value(&terms(1.0), false, 9);
        let lower = Parametric::OceanDoubleSigma.value(&terms(1.0), false, 10);
        assert_eq!(upper, lower);
        assert!((50.0..=200.0).contains(&upper), "{upper}");
        assert_eq!(Parametric::OceanDoubleSigma.value(&terms(2.0), false, 10), 3000.0);
    }

    #[test]
    fn missing_terms_are_named() {
        let formula = Parametric::of_standard_name("ocean_s_coordinate_g2").expect("CF knows it");
        assert_eq!(formula.quantity(), VerticalQuantity::Height);
        assert!(formula.terms(&["s", "C", "eta", "depth", "depth_c"]).is_ok());
        let error = formula.terms(&["s", "C", "depth", "depth_c"]).expect_err("no eta").to_string();
        assert_eq!(error, "`ocean_s_coordinate_g2` needs the term `eta`, formula_terms has s, C, depth, depth_c");
        assert_eq!(Parametric::HybridSigmaPressure.terms(&["ap", "b", "ps"]).map(|t| t.len()), Ok(3));
        assert_eq!(Parametric::of_standard_name("depth"), None);
    }
}
