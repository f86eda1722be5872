//! A mixed layer of one temperature: what flows in warms it, and what would cool it below freezing makes ice.

use rayon::prelude::*;

/// Density of sea water (kg m⁻³).
pub const DENSITY: f64 = 1026.0;
/// Heat capacity of sea water (J kg⁻¹ K⁻¹).
pub const HEAT_CAPACITY: f64 = 3996.0;

/// What a step of the slab gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slab {
    /// K.
    pub temperature: f64,
    /// Heat that freezing gave to the water, ≥ 0 (W m⁻²): ice of this latent heat has formed.
    pub frazil: f64,
    /// Heat above freezing that the layer could give to ice within the step, ≥ 0 (W m⁻²).
    pub melt_potential: f64,
}

/// Temperature after `seconds` of the net heat flux `heat` (W m⁻², positive into the water) over a layer of `depth` (m).
///
/// `T' = max(T + heat dt / (c ρ h), T_f)`, and `frazil = (T_f − T) c ρ h / dt` of what was below `freezing` (K): so that
/// `c ρ h (T' − T) = (heat + frazil) dt`.
///
/// ```
/// use knarr_kernels::slab_ocean::{DENSITY, HEAT_CAPACITY, step};
/// // 100 W/m² for a day over 50 m.
/// let slab = step(285.0, 100.0, 50.0, 86_400.0, 271.35);
/// assert!((slab.temperature - 285.0 - 100.0 * 86_400.0 / (DENSITY * HEAT_CAPACITY * 50.0)).abs() < 1e-12);
/// ```
pub fn step(temperature: f64, heat: f64, depth: f64, seconds: f64, freezing: f64) -> Slab {
    let capacity = HEAT_CAPACITY * DENSITY * depth;
    let warmed = temperature + heat * seconds / capacity;
    let per_kelvin = capacity / seconds;
    Slab {
        temperature: warmed.max(freezing),
        frazil: (freezing - warmed).max(0.0) * per_kelvin,
        melt_potential: (warmed - freezing).max(0.0) * per_kelvin,
    }
}

/// A step at many points: temperatures are advanced, and frazil and melt potential are filled in.
///
/// Points that are not valid stay as they are, with 0 for the rest.
///
/// # Panics
/// If slices differ in length.
pub fn steps(
    temperature: &mut [f64],
    heat: &[f64],
    valid: Option<&[bool]>,
    (depth, seconds, freezing): (f64, f64, f64),
    frazil: &mut [f64],
    melt_potential: &mut [f64],
) {
    let n = temperature.len();
    assert!(heat.len() == n && frazil.len() == n && melt_potential.len() == n, "one value per point");
    assert!(valid.is_none_or(|valid| valid.len() == n), "one mark per point");
    (temperature, frazil, melt_potential).into_par_iter().enumerate().with_min_len(1024).for_each(|(i, (t, f, m))| {
        (*f, *m) = (0.0, 0.0);
        if valid.is_none_or(|valid| valid[i]) {
            let slab = step(*t, heat[i], depth, seconds, freezing);
            (*t, *f, *m) = (slab.temperature, slab.frazil, slab.melt_potential);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_closes_to_rounding() {
        let (depth, seconds, freezing) = (30.0, 3600.0, 271.35);
        let mut temperature = 274.0;
        let start = temperature;
        let (mut given, mut frazil) = (0.0, 0.0);
        for k in 0..2000 {
            let heat = -250.0 + 150.0 * (f64::from(k) * 0.01).sin();
            let slab = step(temperature, heat, depth, seconds, freezing);
            assert!(slab.temperature >= freezing && slab.frazil * slab.melt_potential == 0.0);
            temperature = slab.temperature;
            given += heat * seconds;
            frazil += slab.frazil * seconds;
        }
        let stored = HEAT_CAPACITY * DENSITY * depth * (temperature - start);
        assert!(frazil > 0.0);
        assert!(((given + frazil - stored) / given).abs() < 1e-12, "{given} + {frazil} - {stored}");
    }

    #[test]
    fn a_box_that_cools_by_a_constant_flux_is_exact() {
        // A power of two of seconds and a flux that divides: no rounding at all in the sum.
        let capacity = HEAT_CAPACITY * DENSITY * 50.0;
        let mut temperature = 290.0;
        for _ in 0..100 {
            temperature = step(temperature, -capacity / 65_536.0, 50.0, 1024.0, 271.35).temperature;
        }
        assert!((temperature - (290.0 - 100.0 / 64.0)).abs() < 1e-11, "{temperature}");
    }

    #[test]
    fn many_points_are_as_one() {
        let n = 3000;
        let start: Vec<f64> = (0..n).map(|k| 271.0 + k as f64 * 0.01).collect();
        let heat: Vec<f64> = (0..n).map(|k| 300.0 * (k as f64).sin()).collect();
        let valid: Vec<bool> = (0..n).map(|k| k % 7 != 0).collect();
        let mut found = start.clone();
        let (mut frazil, mut melt) = (vec![f64::NAN; n], vec![f64::NAN; n]);
        steps(&mut found, &heat, Some(&valid), (40.0, 7200.0, 271.35), &mut frazil, &mut melt);
        for k in 0..n {
            if valid[k] {
                let slab = step(start[k], heat[k], 40.0, 7200.0, 271.35);
                assert_eq!((found[k], frazil[k], melt[k]), (slab.temperature, slab.frazil, slab.melt_potential));
            } else {
                assert_eq!((found[k], frazil[k], melt[k]), (start[k], 0.0, 0.0));
            }
        }
    }
}
