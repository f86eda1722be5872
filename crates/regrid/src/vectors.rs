//! Weights put to use on the two components of vectors.

#[cfg(feature = "gpu")]
use crate::device::Turned;
use crate::{Levels, RegridError, StackOn};
use knarr_kernels::rotate_vectors::{from_cartesian_into, to_cartesian_into};
use knarr_kernels::sphere::UnitVector;

/// The directions of the two components in each cell of a grid: [`knarr_grid::Grid::east_north`] or
/// [`knarr_grid::Grid::axes`].
pub type Axes = [[UnitVector; 2]];

/// Where the components of vectors are.
pub enum VectorSource<'a> {
    /// Both at the centers of one grid.
    Together {
        /// Weights from that grid.
        regridder: &'a StackOn<'a, f64>,
        /// The axes of the grid.
        axes: &'a Axes,
    },
    /// Each at the centers of its own grid, as on C grids.
    Apart {
        /// Weights from both grids, to one destination.
        regridders: [&'a StackOn<'a, f64>; 2],
        /// The axes of both grids; of each only that of its component is used.
        axes: [&'a Axes; 2],
    },
}

/// Weights that take vectors from the axes of one grid to those of another.
///
/// A vector with components (u, v) along a, b is V = u·a + v·b in Cartesian components fixed to the Earth. These are
/// regridded like scalars, V' = Σ w V, and u', v' are the components of V' along the axes of the destination; what of
/// it points up or down there, of second order in the distance between cells, is left out. So neither poles nor seams
/// nor turning axes matter, and a mean of vectors is never longer than the longest of them. Components on staggered
/// grids are summed at the destination, V' = Σ w₁ u·a + Σ w₂ v·b, each from where it is.
///
/// On a graphics processor with double precision vectors are turned there too, before and after the weights are applied,
/// and both components alone are copied; results are those of the processor to some units in the last place. Where layers
/// fill what the first left open, or limits hold, Cartesian components are copied and turned on the processor.
///
/// What is kept: the integrals of the Cartesian components by conservative weights, before the projection on the
/// surface; the order of the method. Not kept are ranges of the components.
pub struct VectorRegridder<'a> {
    source: VectorSource<'a>,
    destination: &'a Axes,
    cartesian: Vec<f64>,
    moved: Vec<f64>,
    flags: Vec<bool>,
    /// Axes beside the weights of each regridder; none on the processor.
    #[cfg(feature = "gpu")]
    turned: Vec<Turned>,
}

impl<'a> VectorRegridder<'a> {
    /// Vectors from `source` to a grid with the axes `destination`.
    ///
    /// # Errors
    /// [`RegridError::Device`] if the device of the weights has not the memory for axes.
    pub fn new(source: VectorSource<'a>, destination: &'a Axes) -> Result<Self, RegridError> {
        Ok(Self {
            #[cfg(feature = "gpu")]
            turned: match &source {
                VectorSource::Together { regridder, axes } => regridder.turned(axes, destination)?.into_iter().collect(),
                VectorSource::Apart { regridders, axes } => {
                    let both = [regridders[0].turned(axes[0], destination)?, regridders[1].turned(axes[1], destination)?];
                    both.into_iter().flatten().collect()
                }
            },
            source,
            destination,
            cartesian: Vec::new(),
            moved: Vec::new(),
            flags: Vec::new(),
        })
    }

    /// Regrids whole slabs of the two `components`, with `valid` flags (`None`: all valid), into two others, and flags of
    /// these; in the units of the source. A vector counts where both components are valid. Values that are not valid are
    /// 0. Gives the layers of the stack that made the values; of staggered components those of the first.
    ///
    /// # Errors
    /// [`RegridError::WrongLength`] if a component is not a whole number of slabs or another length does not fit.
    ///
    /// ```
    /// use knarr_grid::Grid;
    /// use knarr_regrid::{Device, MissingPolicy, StackRegridder, StackWeights, VectorRegridder, VectorSource};
    /// use std::sync::Arc;
    ///
    /// // A wind straight over the pole, from 180 E to 0 E.
    /// let (source, destination) = (Arc::new(Grid::from_spec("r36x18")?), Arc::new(Grid::from_spec("90/30")?));
    /// let wind = |grid: &Grid, north: bool| {
    ///     (0..grid.len()).map(|c| grid.east_north()[c][usize::from(north)][0]).collect::<Vec<f64>>()
    /// };
    /// let weights = StackWeights::build(&source, &destination, &"bilinear".parse()?)?;
    /// let regridder = StackRegridder { weights, missing: MissingPolicy::Propagate };
    /// let (axes, to) = (source.axes()?, destination.axes()?);
    /// let prepared = regridder.prepare_on(&Device::Cpu)?;
    /// let mut vectors = VectorRegridder::new(VectorSource::Together { regridder: &prepared, axes: &axes }, &to)?;
    /// let (mut u, mut v, mut valid) = (vec![0.0; to.len()], vec![0.0; to.len()], vec![false; to.len()]);
    /// let (east, north) = (wind(&source, false), wind(&source, true));
    /// vectors.apply_into([&east, &north], [None, None], [&mut u, &mut v], &mut valid)?;
    /// // Row 0 is the pole: on the meridian of 0 E the wind is a northerly, on that of 90 E an easterly one.
    /// assert_eq!(destination.center(1).lat_deg, 90.0);
    /// assert!((v[0] + 1.0).abs() < 0.01 && (u[1] + 1.0).abs() < 0.01 && (v[2] - 1.0).abs() < 0.01);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply_into(
        &mut self,
        components: [&[f64]; 2],
        valid: [Option<&[bool]>; 2],
        [u, v]: [&mut [f64]; 2],
        result_valid: &mut [bool],
    ) -> Result<Levels, RegridError> {
        let cells = self.destination.len();
        let slabs = result_valid.len() / cells.max(1);
        let check = |what: &'static str, found: usize, expected: usize| match found == expected {
            true => Ok(()),
            false => Err(RegridError::WrongLength { what, found, expected }),
        };
        let sources = match &self.source {
            VectorSource::Together { axes, .. } => [axes.len(); 2],
            VectorSource::Apart { axes, .. } => axes.map(<[_]>::len),
        };
        check("the destination validity", result_valid.len(), slabs * cells)?;
        for k in 0..2 {
            check("a component of the source", components[k].len(), slabs * sources[k])?;
            check("a component of the destination", [u.len(), v.len()][k], slabs * cells)?;
            check("the validity", valid[k].map_or(components[k].len(), <[bool]>::len), components[k].len())?;
        }
        #[cfg(feature = "gpu")]
        if let Some(levels) = self.apply_turned(components, valid, [&mut *u, &mut *v], result_valid)? {
            return Ok(levels);
        }
        let Self { source, destination, cartesian, moved, flags, .. } = self;
        moved.resize(3 * slabs * cells, 0.0);
        flags.resize(moved.len(), false);
        let levels = match source {
            VectorSource::Together { regridder, axes } => {
                let both = in_both(valid);
                cartesian.resize(3 * components[0].len(), 0.0);
                to_cartesian_into(components.map(Some), axes, cartesian);
                let levels = apply(regridder, cartesian, both.as_deref(), moved, flags)?;
                result_valid.copy_from_slice(&flags[..slabs * cells]);
                levels
            }
            VectorSource::Apart { regridders, axes } => {
                let mut part = vec![0.0; moved.len()];
                let mut levels = None;
                moved.fill(0.0);
                result_valid.fill(true);
                for k in 0..2 {
                    cartesian.resize(3 * components[k].len(), 0.0);
                    let own = [0, 1].map(|c| (c == k).then_some(components[c]));
                    to_cartesian_into(own, axes[k], cartesian);
                    let of_component = apply(regridders[k], cartesian, valid[k], &mut part, flags)?;
                    levels.get_or_insert(of_component);
                    moved.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
                    result_valid.iter_mut().zip(&*flags).for_each(|(ok, flag)| *ok &= flag);
                }
                for (i, _) in result_valid.iter().enumerate().filter(|(_, ok)| !**ok) {
                    (0..3).for_each(|c| moved[c * slabs * cells + i] = 0.0);
                }
                levels.expect("two components")
            }
        };
        from_cartesian_into(moved, destination, u, v);
        Ok(levels)
    }
}

#[cfg(feature = "gpu")]
impl VectorRegridder<'_> {
    /// [`VectorRegridder::apply_into`] with vectors turned beside the weights; `None` where they are not.
    fn apply_turned(
        &self,
        components: [&[f64]; 2],
        valid: [Option<&[bool]>; 2],
        [u, v]: [&mut [f64]; 2],
        result_valid: &mut [bool],
    ) -> Result<Option<Levels>, RegridError> {
        match (&self.source, &self.turned[..]) {
            (VectorSource::Together { regridder, .. }, [turned]) => {
                let both = in_both(valid);
                regridder.apply_turned(turned, components.map(Some), both.as_deref(), [u, v], result_valid)
            }
            (VectorSource::Apart { regridders, .. }, [first, second]) => {
                // u' and v' of the sum are the sums of those of both parts.
                let (one, other) = ([Some(components[0]), None], [None, Some(components[1])]);
                let Some(levels) = regridders[0].apply_turned(first, one, valid[0], [&mut *u, &mut *v], result_valid)? else {
                    return Ok(None);
                };
                let (mut more, mut flags) = ([vec![0.0; u.len()], vec![0.0; v.len()]], vec![false; result_valid.len()]);
                let [more_u, more_v] = &mut more;
                if regridders[1].apply_turned(second, other, valid[1], [more_u, more_v], &mut flags)?.is_none() {
                    return Ok(None);
                }
                result_valid.iter_mut().zip(&flags).for_each(|(ok, flag)| *ok &= flag);
                for (sum, part) in [u, v].into_iter().zip(&more) {
                    sum.iter_mut().zip(part).zip(&*result_valid).for_each(|((s, p), &ok)| *s = if ok { *s + p } else { 0.0 });
                }
                Ok(Some(levels))
            }
            _ => Ok(None),
        }
    }
}

/// Where both components are valid; `None`: everywhere.
fn in_both(valid: [Option<&[bool]>; 2]) -> Option<Vec<bool>> {
    match valid {
        [Some(a), Some(b)] => Some(a.iter().zip(b).map(|(a, b)| a & b).collect()),
        [a, b] => a.or(b).map(<[bool]>::to_vec),
    }
}

/// Regrids the three Cartesian components, which are valid together; gives the layers of one.
fn apply(
    regridder: &StackOn<'_, f64>,
    cartesian: &[f64],
    valid: Option<&[bool]>,
    moved: &mut [f64],
    flags: &mut [bool],
) -> Result<Levels, RegridError> {
    let valid = valid.filter(|v| v.contains(&false)).map(|v| [v, v, v].concat());
    let mut levels = regridder.apply_into(cartesian, valid.as_deref(), moved, flags)?;
    levels.counts.iter_mut().for_each(|count| *count /= 3);
    levels.missing /= 3;
    levels.of_slabs.truncate(levels.of_slabs.len() / 3);
    Ok(levels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, MissingPolicy, StackRegridder, StackWeights};
    use knarr_grid::Grid;
    use std::sync::Arc;

    fn grid(spec: &str) -> Arc<Grid> {
        Arc::new(Grid::from_spec(spec).unwrap_or_else(|e| panic!("{spec}: {e}")))
    }

    fn regridder(source: &Arc<Grid>, destination: &Arc<Grid>, methods: &str, missing: MissingPolicy) -> StackRegridder {
        let stack = methods.parse().expect("a stack");
        StackRegridder { weights: StackWeights::build(source, destination, &stack).expect("weights"), missing }
    }

    /// Solid-body rotation about an axis at 40 degrees to the pole: V = ω x r, components along `axes`.
    fn rotation(grid: &Grid, axes: &Axes) -> [Vec<f64>; 2] {
        let component = |k: usize| {
            let at = |c: usize| {
                let [x, y, z] = grid.center(c).unit();
                let (s, w) = 40f64.to_radians().sin_cos();
                knarr_kernels::sphere::dot([-w * y, w * x - s * z, s * y], axes[c][k])
            };
            (0..grid.len()).map(at).collect()
        };
        [component(0), component(1)]
    }

    #[test]
    fn staggered_components_meet_at_the_destination() {
        // u on the western faces of the cells of a rotated grid, v on the southern ones.
        let specs = ["rot:-97.6,36.1,-15.25,-9,0.5,0.5,60,40", "rot:-97.6,36.1,-15,-9.25,0.5,0.5,60,40"];
        let [u_grid, v_grid] = specs.map(grid);
        let destination = grid("rot:-97.6,36.1,-8,-4,1,1,15,9");
        let axes = [u_grid.axes().expect("axes"), v_grid.axes().expect("axes")];
        let to = destination.east_north();
        let missing = MissingPolicy::Skip { min_valid: 0.0 };
        let regridders =
            [regridder(&u_grid, &destination, "bilinear", missing), regridder(&v_grid, &destination, "bilinear", missing)];
        let prepared = regridders.each_ref().map(|r| r.prepare_on(&Device::Cpu).expect("the processor"));
        let ready = VectorSource::Apart { regridders: [&prepared[0], &prepared[1]], axes: [&axes[0], &axes[1]] };
        let mut vectors = VectorRegridder::new(ready, &to).expect("the processor");
        let (u, v) = (rotation(&u_grid, &axes[0])[0].clone(), rotation(&v_grid, &axes[1])[1].clone());
        let mut u_valid = vec![true; u.len()];
        u_valid[..61].fill(false);
        let n = to.len();
        let (mut east, mut north, mut valid) = (vec![f64::NAN; n], vec![f64::NAN; n], vec![false; n]);
        vectors.apply_into([&u, &v], [Some(&u_valid), None], [&mut east, &mut north], &mut valid).expect("lengths fit");
        assert!(valid.iter().all(|&ok| ok));
        let expected = rotation(&destination, &to);
        for c in 0..n {
            // Linear between points half a degree apart: h²/8 = 1e-5 of each component.
            let off = (east[c] - expected[0][c]).hypot(north[c] - expected[1][c]);
            assert!(off < 2e-5, "{c}: {off:e}");
        }
        // With all of u missing nothing is left, and what is not valid is 0.
        u_valid.fill(false);
        vectors.apply_into([&u, &v], [Some(&u_valid), None], [&mut east, &mut north], &mut valid).expect("lengths fit");
        assert!(valid.iter().all(|&ok| !ok) && east.iter().chain(&north).all(|&x| x == 0.0));
    }

    #[test]
    fn slabs_have_their_own_missing_values_and_lengths_are_checked() {
        let (source, destination) = (grid("r36x18"), grid("H4"));
        let (axes, to) = (source.axes().expect("axes"), destination.east_north());
        let regridder = regridder(&source, &destination, "bilinear", MissingPolicy::Skip { min_valid: 0.0 });
        let prepared = regridder.prepare_on(&Device::Cpu).expect("the processor");
        let ready = VectorSource::Together { regridder: &prepared, axes: &axes };
        let mut vectors = VectorRegridder::new(ready, &to).expect("the processor");
        let [u, v] = rotation(&source, &axes);
        let (twice_u, twice_v) = ([u.clone(), u.clone()].concat(), [v.clone(), v.clone()].concat());
        let mut valid = vec![true; twice_u.len()];
        valid[..u.len() / 2].fill(false);
        let n = to.len();
        let mut run = |u: &[f64], v: &[f64], flags: [Option<&[bool]>; 2], slabs: usize| {
            let (mut a, mut b, mut ok) = (vec![f64::NAN; slabs * n], vec![f64::NAN; slabs * n], vec![false; slabs * n]);
            vectors.apply_into([u, v], flags, [&mut a, &mut b], &mut ok).map(|_| (a, b, ok))
        };
        let whole = run(&u, &v, [None, None], 1).expect("lengths fit");
        let both = run(&twice_u, &twice_v, [None, Some(&valid)], 2).expect("lengths fit");
        assert_eq!((&both.0[n..], &both.1[n..], &both.2[n..]), (&whole.0[..], &whole.1[..], &whole.2[..]));
        let first = run(&u, &v, [Some(&valid[..u.len()]), None], 1).expect("lengths fit");
        assert_eq!((&both.0[..n], &both.2[..n]), (&first.0[..], &first.2[..]));
        assert!(first.2.contains(&false) && first.2.contains(&true));
        assert!(run(&u[1..], &v, [None, None], 1).is_err() && run(&u, &v, [Some(&valid), None], 1).is_err());
    }

    /// What one layer leaves open the next takes, for both components together.
    #[test]
    fn layers_take_over_vectors() {
        let (source, destination) = (grid("rot:-97.6,36.1,-12,-6,1.5,1.5,17,9"), grid("r90x45"));
        let (axes, to) = (source.axes().expect("axes"), destination.east_north());
        let stack = regridder(&source, &destination, "bilinear,nearest:900km,fixed:0", MissingPolicy::Skip { min_valid: 0.0 });
        let prepared = stack.prepare_on(&Device::Cpu).expect("the processor");
        let ready = VectorSource::Together { regridder: &prepared, axes: &axes };
        let mut vectors = VectorRegridder::new(ready, &to).expect("the processor");
        let [u, v] = rotation(&source, &axes);
        let mut v_valid = vec![true; v.len()];
        v_valid[60..80].fill(false);
        let n = to.len();
        let (mut east, mut north, mut valid) = (vec![f64::NAN; n], vec![f64::NAN; n], vec![false; n]);
        let levels = vectors.apply_into([&u, &v], [None, Some(&v_valid)], [&mut east, &mut north], &mut valid).expect("fits");
        assert!(valid.iter().all(|&ok| ok));
        assert_eq!(levels.counts.iter().sum::<u64>(), n as u64);
        assert!(levels.counts.iter().all(|&count| count > 0), "{:?}", levels.counts);
        let layers = levels.of_slabs[0].as_ref().expect("not of one layer");
        let expected = rotation(&destination, &to);
        for c in 0..n {
            let off = (east[c] - expected[0][c]).hypot(north[c] - expected[1][c]);
            match layers[c] {
                // Linear with what is there of gaps of some cells; nearest up to 900 km (0.14 rad) away.
                0 => assert!(off < 0.1, "{c}: {off}"),
                1 => assert!(off < 0.2, "{c}: {off}"),
                _ => assert_eq!([east[c], north[c]], [0.0, 0.0]),
            }
        }
    }
}
