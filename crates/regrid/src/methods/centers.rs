//! Centers of cells as unit vectors, with what takes part.

use crate::search::points::NearPoints;
use crate::search::quarters::Points;
use crate::search::squares::{Sites, Squares};
use knarr_grid::{Grid, Layout, LonLat};
use knarr_kernels::sphere::UnitVector;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::OnceLock;

/// Centers that one task computes.
const TASK: usize = 1 << 13;

/// The centers of a grid; a center that is not a number counts as inactive.
pub(crate) struct Centers<'a> {
    grid: &'a Grid,
    points: OnceLock<Vec<UnitVector>>,
    pub is_active: Vec<bool>,
}

impl<'a> Centers<'a> {
    pub fn of(grid: &'a Grid) -> Self {
        let is_active = match &grid.layout {
            Layout::Rows(_) | Layout::Formula(_) => match grid.mask.flags() {
                Some(flags) => flags.to_vec(),
                None => vec![true; grid.len()],
            },
            Layout::Polygons { centers, .. } | Layout::Points { centers } => {
                let is_number = |i: usize| centers[i].lon_deg.is_finite() && centers[i].lat_deg.is_finite();
                let is_active = |i| grid.mask.is_active(i) && is_number(i);
                (0..grid.len()).into_par_iter().with_min_len(TASK).map(is_active).collect()
            }
        };
        Self { grid, points: OnceLock::new(), is_active }
    }

    /// The grid they are of.
    pub fn grid(&self) -> &'a Grid {
        self.grid
    }

    /// Makes the centers inactive that `keeps` does not hold of.
    pub fn keep_only(&mut self, keeps: impl Fn(usize) -> bool) {
        self.is_active.iter_mut().enumerate().for_each(|(i, active)| *active = *active && keeps(i));
    }

    /// Makes the centers outside `range` inactive.
    pub fn restrict(&mut self, range: &Range<usize>) {
        self.is_active[..range.start].fill(false);
        self.is_active[range.end..].fill(false);
    }

    pub fn len(&self) -> usize {
        self.is_active.len()
    }

    /// All centers; computed at the first call, which should not be made by parallel tasks.
    pub fn points(&self) -> &[UnitVector] {
        self.points.get_or_init(|| self.make_points())
    }

    fn make_points(&self) -> Vec<UnitVector> {
        let mut points = vec![[0.0; 3]; self.len()];
        points.par_chunks_mut(TASK).enumerate().for_each(|(k, units)| {
            self.grid.put_center_units(k * TASK..k * TASK + units.len(), units);
        });
        points
    }

    /// All centers, and which of them are active.
    pub fn into_parts(self) -> (Vec<UnitVector>, Vec<bool>) {
        self.points();
        (self.points.into_inner().unwrap_or_default(), self.is_active)
    }

    /// One center.
    #[inline]
    pub fn unit(&self, i: usize) -> UnitVector {
        self.grid.center_unit(i)
    }

    /// One center as the grid has it.
    #[inline]
    pub fn lon_lat(&self, i: usize) -> LonLat {
        self.grid.center(i)
    }

    /// The center of an active cell as the grid has it.
    #[inline]
    pub fn active_lon_lat(&self, i: usize) -> Option<LonLat> {
        self.is_active[i].then(|| self.lon_lat(i))
    }

    /// The active centers, ready to be the nearest of places close by.
    pub fn squares(&self) -> Squares<'_, Self> {
        Squares::new(self)
    }

    /// The active centers, ready to be the nearest of many places.
    pub fn quarters(&self) -> Points {
        // Not kept: they have them side by side.
        let made = if self.points.get().is_none() { self.make_points() } else { Vec::new() };
        let units = self.points.get().unwrap_or(&made);
        let mut points = Points::with_capacity(self.is_active.iter().filter(|active| **active).count());
        points.extend((0..self.len()).filter(|&i| self.is_active[i]).map(|i| (units[i], i as u32)));
        points
    }

    /// The active centers, ready for queries.
    pub fn near_points(&self) -> NearPoints {
        let points = self.points();
        NearPoints::new((0..self.len()).filter(|&i| self.is_active[i]).map(|i| (points[i], i as u32)).collect())
    }
}

impl Sites for Centers<'_> {
    fn are_active(&self) -> &[bool] {
        &self.is_active
    }

    fn unit(&self, site: usize) -> UnitVector {
        self.grid.center_unit(site)
    }

    fn put_units(&self, sites: Range<usize>, units: &mut [UnitVector]) {
        match self.points.get() {
            Some(points) => units.copy_from_slice(&points[sites]),
            None => self.grid.put_center_units(sites, units),
        }
    }
}

/// Centers of some cells at a time, as angles or as vectors.
#[derive(Default)]
pub(crate) struct Stretch {
    lons: Vec<f64>,
    lats: Vec<f64>,
    units: Vec<UnitVector>,
}

impl Stretch {
    /// The centers of `cells` as the grid has them.
    pub fn lon_lats(&mut self, grid: &Grid, cells: Range<usize>) -> impl Iterator<Item = LonLat> + '_ {
        self.lons.resize(cells.len(), 0.0);
        self.lats.resize(cells.len(), 0.0);
        grid.put_centers(cells, &mut self.lons, &mut self.lats);
        self.lons.iter().zip(&self.lats).map(|(&lon_deg, &lat_deg)| LonLat { lon_deg, lat_deg })
    }

    /// The centers of `cells` as vectors.
    pub fn units(&mut self, grid: &Grid, cells: Range<usize>) -> &[UnitVector] {
        self.units.resize(cells.len(), [0.0; 3]);
        grid.put_center_units(cells, &mut self.units);
        &self.units
    }
}
