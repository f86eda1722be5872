//! HEALPix: 12·nside² cells of equal area on rings of equal latitude.
//!
//! Corners lie on the same rings as centers. Ring i = 1 … 4·nside−1 has 4·min(i, nside, 4·nside−i) centers and as
//! many corners, half a step apart; two more corners are the poles. So corners have numbers by formula, and
//! cells share them without a search. Reference: Górski et al. (2005), Astrophys. J. 622, 759–771.

use crate::formula::{CornerNumbers, Formula};
use crate::{CornerSource, Family, Grid, GridError, HealpixOrder, Layout, LonLat, Mask, Report};
use knarr_kernels::sphere::{UnitVector, sin_cos_deg};
use std::ops::Range;

impl Grid {
    /// HEALPix grid with `nside` cells along the side of a base cell, shape `[cell]`.
    ///
    /// Edges are great circles between the exact corners, so areas differ from 4π/12nside² by up to some
    /// percent at the poles of coarse grids; together they cover the sphere.
    ///
    /// # Errors
    /// [`GridError::BadAxis`] for `nside` 0 or beyond 4096, and for nested order unless `nside` is a power of two.
    pub fn healpix(nside: usize, order: HealpixOrder) -> Result<Grid, GridError> {
        let bad = |problem: String| Err(GridError::BadAxis { what: "HEALPix nside".into(), problem });
        if nside == 0 || nside > 4096 {
            return bad(format!("found {nside}, expected 1 to 4096"));
        }
        if order == HealpixOrder::Nested && !nside.is_power_of_two() {
            return bad(format!("found {nside}, nested order needs a power of two"));
        }
        Ok(Grid {
            family: Family::Healpix { nside, order },
            shape: vec![12 * nside * nside],
            layout: Layout::Formula(Formula::Healpix(Healpix::new(nside, order))),
            mask: Mask::ALL,
            report: Report::new("formula of HEALPix", CornerSource::Formula),
        })
    }
}

/// The cells of HEALPix, see [`Grid::healpix`].
#[derive(Clone, Debug, PartialEq)]
pub struct Healpix {
    rings: Rings,
    order: HealpixOrder,
    /// Latitude of each ring from pole to pole, with its sine and cosine.
    lats: Vec<(f64, f64, f64)>,
}

/// Where a center is on its ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingPlace {
    /// Ring from the north, 1 to 4·nside − 1.
    pub ring: usize,
    /// Column from longitude 0 eastward, 0-based.
    pub column: usize,
}

impl Healpix {
    fn new(nside: usize, order: HealpixOrder) -> Self {
        let rings = Rings { n: nside };
        let lat = |ring| {
            let (sine, cosine) = rings.sine_cosine(ring);
            let lat_deg = sine.atan2(cosine).to_degrees();
            let (sin_lat, cos_lat) = sin_cos_deg(lat_deg);
            (lat_deg, sin_lat, cos_lat)
        };
        let lats = (0..=4 * nside).map(lat).collect();
        Self { rings, order, lats }
    }

    /// Cells along the side of a base cell.
    pub fn nside(&self) -> usize {
        self.rings.n
    }

    pub(crate) fn family(&self) -> Family {
        Family::Healpix { nside: self.rings.n, order: self.order }
    }

    pub(crate) fn len(&self) -> usize {
        12 * self.rings.n * self.rings.n
    }

    /// Ring and column of a cell.
    #[inline]
    pub fn place(&self, cell: usize) -> RingPlace {
        let (ring, column) = match self.order {
            HealpixOrder::Ring => self.rings.ring_column(cell),
            HealpixOrder::Nested => self.rings.ring_column_nested(cell),
        };
        RingPlace { ring, column }
    }

    /// The cell at a place.
    #[inline]
    pub fn cell(&self, place: RingPlace) -> usize {
        match self.order {
            HealpixOrder::Ring => self.rings.cell(place),
            HealpixOrder::Nested => self.rings.cell_nested(place),
        }
    }

    /// Number of cells of a ring, 0 at the poles.
    #[inline]
    pub fn ring_len(&self, ring: usize) -> usize {
        self.rings.count(ring)
    }

    /// Sine and cosine of a ring's latitude, as of its centers.
    #[inline]
    pub fn ring_sine_cosine(&self, ring: usize) -> (f64, f64) {
        let (_, sine, cosine) = self.lats[ring];
        (sine, cosine)
    }

    /// Columns between longitude 0 and the first center of a ring: 0 or a half.
    #[inline]
    pub fn ring_offset(&self, ring: usize) -> f64 {
        0.5 * self.rings.half_step(ring) as f64
    }

    #[inline]
    fn lon_deg(&self, RingPlace { ring, column }: RingPlace) -> f64 {
        360.0 * ((2 * column + self.rings.half_step(ring)) as f64 / (2 * self.rings.count(ring)) as f64)
    }

    #[inline]
    pub(crate) fn center(&self, cell: usize) -> LonLat {
        self.center_at(self.place(cell))
    }

    /// Calls `each` with the places of `cells`.
    pub(crate) fn each_place(&self, cells: Range<usize>, mut each: impl FnMut(RingPlace)) {
        if self.order == HealpixOrder::Nested || cells.is_empty() {
            return cells.for_each(|cell| each(self.place(cell)));
        }
        let RingPlace { mut ring, mut column } = self.place(cells.start);
        let mut left = cells.len();
        while left > 0 {
            let end = self.ring_len(ring).min(column + left);
            left -= end - column;
            (column..end).for_each(|column| each(RingPlace { ring, column }));
            (ring, column) = (ring + 1, 0);
        }
    }

    #[inline]
    pub(crate) fn center_at(&self, place: RingPlace) -> LonLat {
        LonLat { lon_deg: self.lon_deg(place), lat_deg: self.lats[place.ring].0 }
    }

    /// A center, with the bits of [`LonLat::unit`].
    #[inline]
    pub fn unit_at(&self, place: RingPlace) -> UnitVector {
        let (sin_lat, cos_lat) = self.ring_sine_cosine(place.ring);
        let (sin_lon, cos_lon) = sin_cos_deg(self.lon_deg(place));
        [cos_lat * cos_lon + 0.0, cos_lat * sin_lon + 0.0, sin_lat + 0.0]
    }

    pub(crate) fn center_unit(&self, cell: usize) -> UnitVector {
        self.unit_at(self.place(cell))
    }

    #[inline]
    pub(crate) fn corner_numbers(&self, cell: usize) -> CornerNumbers {
        let RingPlace { ring, column } = self.place(cell);
        self.rings.cell_corners(ring, column)
    }

    pub(crate) fn corner(&self, number: usize) -> UnitVector {
        self.rings.corner_at(number)
    }

    pub(crate) fn corner_angles(&self, number: usize) -> LonLat {
        let (ring, lon_deg) = self.rings.corner_place(number);
        LonLat { lon_deg, lat_deg: self.lats[ring].0 }
    }
}

/// The rings of a grid with `n` = nside; ring 0 and 4n are the poles, columns are 0-based from longitude 0 eastward.
#[derive(Clone, Debug, PartialEq)]
struct Rings {
    n: usize,
}

impl Rings {
    /// Cells (and corners) of a ring.
    fn count(&self, ring: usize) -> usize {
        4 * ring.min(self.n).min(4 * self.n - ring)
    }

    /// Ring and column of a cell in ring order.
    fn ring_column(&self, cell: usize) -> (usize, usize) {
        let n = self.n;
        let cap = 2 * n * (n - 1);
        if cell < cap {
            // 2 i (i - 1) cells lie north of ring i.
            let mut ring = (1.0 + ((1 + 2 * cell) as f64).sqrt()) as usize / 2;
            while 2 * ring * (ring + 1) <= cell {
                ring += 1;
            }
            while 2 * ring * (ring - 1) > cell {
                ring -= 1;
            }
            (ring, cell - 2 * ring * (ring - 1))
        } else if cell < 12 * n * n - cap {
            let k = cell - cap;
            (n + k / (4 * n), k % (4 * n))
        } else {
            let (ring, column) = self.ring_column(12 * n * n - 1 - cell);
            (4 * n - ring, 4 * ring - 1 - column)
        }
    }

    /// Ring and column of a cell in nested order: base cell, then the bits of x (north-east) and y (north-west).
    fn ring_column_nested(&self, cell: usize) -> (usize, usize) {
        let n = self.n;
        let base = cell / (n * n);
        let (x, y) = (even_bits(cell % (n * n)), even_bits((cell % (n * n)) >> 1));
        let (row, eighth) = base_place(base);
        let ring = (row + 2) * n - x - y - 1;
        let per_quarter = self.count(ring) / 4;
        // Twice the columns between this center and longitude 0; centers are half a column off on every other ring.
        let twice = (eighth * per_quarter + 8 * per_quarter + x) as isize - y as isize;
        let column = (twice as usize - self.half_step(ring)) / 2 % self.count(ring);
        (ring, column)
    }

    /// 1 if the centers of a ring lie half a column from longitude 0, else 0.
    fn half_step(&self, ring: usize) -> usize {
        let n = self.n;
        if ring < n || ring > 3 * n { 1 } else { 1 - (ring - n) % 2 }
    }

    /// Sine and cosine of a ring's latitude.
    fn sine_cosine(&self, ring: usize) -> (f64, f64) {
        let n = self.n;
        let cap = ring.min(4 * n - ring);
        if cap <= n {
            // 1 - sine, kept apart so that the cosine next to a pole has all its digits.
            let rest = (cap * cap) as f64 / (3 * n * n) as f64;
            let sine = 1.0 - rest;
            (if ring > 2 * n { -sine } else { sine }, (rest * (2.0 - rest)).sqrt())
        } else {
            let sine = 2.0 * (2 * n as isize - ring as isize) as f64 / (3 * n) as f64;
            (sine, ((1.0 - sine) * (1.0 + sine)).sqrt())
        }
    }

    /// The cell in ring order, the inverse of [`Self::ring_column`].
    fn cell(&self, RingPlace { ring, column }: RingPlace) -> usize {
        let n = self.n;
        if ring <= n {
            2 * ring * (ring - 1) + column
        } else if ring < 3 * n {
            2 * n * (n - 1) + 4 * n * (ring - n) + column
        } else {
            let south = 4 * n - ring;
            12 * n * n - 2 * south * (south + 1) + column
        }
    }

    /// The cell in nested order, the inverse of [`Self::ring_column_nested`].
    fn cell_nested(&self, RingPlace { ring, column }: RingPlace) -> usize {
        let n = self.n;
        let (count, half) = (self.count(ring), self.half_step(ring));
        let per_quarter = count / 4;
        // x + y and x - y of the cell in each base cell that the ring crosses, see `ring_column_nested`.
        let twice = (2 * column + half) as isize;
        for base in 0..12 {
            let (row, eighth) = base_place(base);
            let Some(sum) = ((row + 2) * n).checked_sub(ring + 1) else { continue };
            let whole = 2 * count as isize;
            let mut difference = (twice - (eighth * per_quarter) as isize).rem_euclid(whole);
            if difference > count as isize {
                difference -= whole;
            }
            let sum = sum as isize;
            if (sum + difference) % 2 != 0 {
                continue;
            }
            let (x, y) = ((sum + difference) / 2, (sum - difference) / 2);
            if (0..n as isize).contains(&x) && (0..n as isize).contains(&y) {
                return base * n * n + spread_bits(x as usize) + (spread_bits(y as usize) << 1);
            }
        }
        unreachable!("every center lies in a base cell")
    }

    /// A corner by its number.
    fn corner_at(&self, number: usize) -> UnitVector {
        let (ring, lon_deg) = self.corner_place(number);
        let (sine, cosine) = self.sine_cosine(ring);
        if self.count(ring) == 0 {
            return [0.0, 0.0, sine];
        }
        let (sin_lon, cos_lon) = sin_cos_deg(lon_deg);
        [cosine * cos_lon + 0.0, cosine * sin_lon + 0.0, sine + 0.0]
    }

    /// Ring and longitude of a corner, 0 at the poles.
    fn corner_place(&self, number: usize) -> (usize, f64) {
        let n = self.n;
        if number == 0 {
            return (0, 0.0);
        }
        if number == 12 * n * n + 1 {
            return (4 * n, 0.0);
        }
        // Corners lie on the rings of the centers, as many on each, where centers do not.
        let (ring, column) = self.ring_column(number - 1);
        let (count, shift) = (self.count(ring), 1 - self.half_step(ring));
        (ring, 360.0 * (2 * column + shift) as f64 / (2 * count) as f64)
    }

    /// Number of the first corner on a ring.
    fn first_corner(&self, ring: usize) -> usize {
        let n = self.n;
        if ring == 0 {
            0
        } else if ring <= n {
            1 + 2 * ring * (ring - 1)
        } else if ring <= 3 * n {
            1 + 2 * n * (n - 1) + 4 * n * (ring - n)
        } else {
            let south = 4 * n - ring;
            12 * n * n + 1 - 2 * south * (south + 1)
        }
    }

    /// Number of corner `k` on a ring, counted round the ring.
    fn corner(&self, ring: usize, k: usize) -> u32 {
        let count = self.count(ring);
        (self.first_corner(ring) + if count == 0 { 0 } else { k % count }) as u32
    }

    /// South, east, north and west corner of a cell.
    fn cell_corners(&self, ring: usize, column: usize) -> [u32; 4] {
        let n = self.n;
        let count = self.count(ring);
        let (west, east) = if self.half_step(ring) == 1 { (column, column + 1) } else { (column + count - 1, column) };
        // On the caps a ring has one column per quarter more than the ring poleward of it.
        let cap = ring.min(4 * n - ring);
        let (quarter, within) = (column / cap.max(1), column % cap.max(1));
        let poleward = quarter * (cap - 1) + within;
        let outward = quarter * (cap + 1) + within + 1;
        let north = if ring <= n {
            poleward
        } else if ring > 3 * n {
            outward
        } else {
            column
        };
        let south = if ring < n {
            outward
        } else if ring >= 3 * n {
            poleward
        } else {
            column
        };
        [self.corner(ring + 1, south), self.corner(ring, east), self.corner(ring - 1, north), self.corner(ring, west)]
    }
}

/// Row (0 north, 1 equator, 2 south) and center of a base cell, in eighths of a turn.
fn base_place(base: usize) -> (usize, usize) {
    match base {
        0..=3 => (0, 2 * base + 1),
        4..=7 => (1, 2 * (base - 4)),
        _ => (2, 2 * (base - 8) + 1),
    }
}

/// The bits moved to even places, the inverse of [`even_bits`].
fn spread_bits(v: usize) -> usize {
    let mut v = v as u64 & 0xffff_ffff;
    v = (v | (v << 16)) & 0x0000_ffff_0000_ffff;
    v = (v | (v << 8)) & 0x00ff_00ff_00ff_00ff;
    v = (v | (v << 4)) & 0x0f0f_0f0f_0f0f_0f0f;
    v = (v | (v << 2)) & 0x3333_3333_3333_3333;
    v = (v | (v << 1)) & 0x5555_5555_5555_5555;
    v as usize
}

/// The bits at even places, moved together.
fn even_bits(v: usize) -> usize {
    let mut v = v as u64 & 0x5555_5555_5555_5555;
    v = (v | (v >> 1)) & 0x3333_3333_3333_3333;
    v = (v | (v >> 2)) & 0x0f0f_0f0f_0f0f_0f0f;
    v = (v | (v >> 4)) & 0x00ff_00ff_00ff_00ff;
    v = (v | (v >> 8)) & 0x0000_ffff_0000_ffff;
    v = (v | (v >> 16)) & 0xffff_ffff;
    v as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_kernels::sphere::{distance, unit_vector};

    #[test]
    fn nested_centers_and_corners_equal_cdshealpix() {
        for nside in [1u32, 2, 8, 64] {
            let grid = Grid::healpix(nside as usize, HealpixOrder::Nested).unwrap();
            let depth = nside.trailing_zeros() as u8;
            for cell in 0..grid.len() {
                let (lon, lat) = cdshealpix::nested::center(depth, cell as u64);
                let theirs = unit_vector(lon.to_degrees(), lat.to_degrees());
                // Both are formulas in doubles; the other one loses digits in acos next to the poles.
                assert!(distance(theirs, grid.center(cell).unit()) < 2e-14 * f64::from(nside), "{nside} {cell}");
                let ours = grid.corners(cell);
                assert_eq!(ours.len(), 4);
                for (k, (lon, lat)) in cdshealpix::nested::vertices(depth, cell as u64).into_iter().enumerate() {
                    let theirs = unit_vector(lon.to_degrees(), lat.to_degrees());
                    assert!(distance(theirs, ours[k]) < 2e-14 * f64::from(nside), "{nside} {cell} corner {k}");
                }
            }
        }
    }

    #[test]
    fn ring_centers_equal_cdshealpix_and_the_nested_ones() {
        for nside in [1u32, 3, 4, 32] {
            let grid = Grid::healpix(nside as usize, HealpixOrder::Ring).unwrap();
            for cell in 0..grid.len() {
                let (lon, lat) = cdshealpix::ring::center(nside, cell as u64);
                let theirs = unit_vector(lon.to_degrees(), lat.to_degrees());
                assert!(distance(theirs, grid.center(cell).unit()) < 2e-14 * f64::from(nside), "{nside} {cell}");
            }
        }
        let (ring, nested) = (Grid::healpix(16, HealpixOrder::Ring).unwrap(), Grid::healpix(16, HealpixOrder::Nested).unwrap());
        let layer = cdshealpix::nested::get(4);
        for cell in 0..nested.len() {
            let other = layer.to_ring(cell as u64) as usize;
            assert_eq!(nested.center(cell), ring.center(other));
            assert_eq!(nested.corners(cell), ring.corners(other));
        }
    }

    #[test]
    fn cells_cover_the_sphere_and_share_corners() {
        for nside in [1, 2, 3, 5, 32] {
            let grid = Grid::healpix(nside, HealpixOrder::Ring).unwrap();
            let polygons = grid.polygons().expect("cells have corners");
            assert_eq!(polygons.vertices.len(), 12 * nside * nside + 2);
            // Every corner belongs to 4 cells, except 8 that belong to 3: 4 · 12n² = 4 · (12n² − 6) + 3 · 8.
            let mut uses = vec![0; polygons.vertices.len()];
            polygons.corners.iter().for_each(|&v| uses[v as usize] += 1);
            assert_eq!(
                (uses.iter().filter(|&&u| u == 4).count(), uses.iter().filter(|&&u| u == 3).count()),
                (12 * nside * nside - 6, 8)
            );
            assert!((grid.covered_fraction() - 1.0).abs() < 1e-14);
            assert!((0..grid.len()).all(|cell| grid.area(cell) > 0.0));
        }
    }

    #[test]
    fn cells_are_found_again_by_their_places() {
        let of = |nside, order| Healpix::new(nside, order);
        for cells in
            [1, 2, 3, 7, 16].map(|n| of(n, HealpixOrder::Ring)).into_iter().chain([1, 2, 16].map(|n| of(n, HealpixOrder::Nested)))
        {
            assert!((0..cells.len()).all(|cell| cells.cell(cells.place(cell)) == cell), "{cells:?}");
        }
    }

    #[test]
    fn impossible_sides_are_refused() {
        assert!(Grid::healpix(0, HealpixOrder::Ring).is_err());
        assert!(Grid::healpix(12, HealpixOrder::Nested).is_err());
        assert!(Grid::healpix(12, HealpixOrder::Ring).is_ok());
    }
}
