//! Twin of [`crate::overlap_products`]: rows of shared areas, the same in double precision; in single precision heights and
//! widths are rounded before they are multiplied, so that areas are within 2e-7 of themselves.

use super::exclusive_scan::exclusive_scan;
use super::overlap::SharedRows;
use crate::gpu::kernel::REAL_NUMBERS;
use crate::gpu::{Access, Buffer, Gpu, GpuError, Kernel, Numbers, Parameters, Step, Width};
use crate::overlap_products::AxisOverlaps;
use std::ops::Range;

/// Links of items, counted.
pub const COUNT: Kernel = Kernel {
    name: "overlap_products_count",
    texts: &[include_str!("../shared/product_items.wgsl"), include_str!("../overlap_products_count.wgsl")],
    entry: "count",
    bindings: &[
        ("rows", Access::Read),
        ("lat_others", Access::Read),
        ("lon_starts", Access::Read),
        ("lon_others", Access::Read),
        ("flags", Access::Read),
        ("counts", Access::Write),
    ],
    numbers: REAL_NUMBERS,
    loops: true,
};

/// The same, with areas.
pub const AREAS: Kernel = Kernel {
    name: "overlap_products",
    texts: &[include_str!("../shared/product_items.wgsl"), include_str!("../overlap_products.wgsl")],
    entry: "fill",
    bindings: &[
        ("rows", Access::Read),
        ("lat_others", Access::Read),
        ("lon_starts", Access::Read),
        ("lon_others", Access::Read),
        ("flags", Access::Read),
        ("heights", Access::Read),
        ("widths", Access::Read),
        ("starts", Access::Read),
        ("subjects", Access::Write),
        ("areas", Access::Write),
    ],
    numbers: REAL_NUMBERS,
    loops: true,
};

/// Trips of the search for a row.
const SEARCH: u64 = 32;

/// The axes of two grids of rows about one pole on a device.
#[derive(Debug)]
pub struct DeviceProducts<'a> {
    lats: &'a AxisOverlaps,
    lons: &'a AxisOverlaps,
    columns: usize,
    width: Width,
    lat_others: Buffer,
    lon_starts: Buffer,
    lon_others: Buffer,
    flags: Buffer,
    /// Words of the first grid's flags.
    own_words: usize,
    heights: Buffer,
    widths: Buffer,
}

impl<'a> DeviceProducts<'a> {
    /// As [`crate::overlap_products::areas`]; the flags tell which cells of both grids take part.
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] if there is not a flag for each cell of the first grid, or none for a cell of the other that
    /// the axes name; [`GpuError::NoF64`], [`GpuError::OutOfMemory`].
    pub fn new(
        gpu: &Gpu,
        (lats, lons): (&'a AxisOverlaps, &'a AxisOverlaps),
        columns: usize,
        [own, others]: [&[bool]; 2],
        width: Width,
    ) -> Result<Self, GpuError> {
        let last = |axis: &AxisOverlaps| axis.others.iter().max().map_or(0, |&k| k as usize + 1);
        let named = last(lats).saturating_sub(1) * columns + last(lons);
        for (what, found, expected, fits) in [
            ("the flags of cells", own.len(), lats.len() * lons.len(), own.len() == lats.len() * lons.len()),
            ("the flags of the others", others.len(), named, others.len() >= named),
        ] {
            if !fits {
                return Err(GpuError::WrongLength { what, found, expected });
            }
        }
        let numbers = Numbers::all(width);
        let words = |flags: &[bool]| -> Vec<u32> {
            let word = |bits: &[bool]| bits.iter().rev().fold(0, |word, &bit| word << 1 | u32::from(bit));
            flags.chunks(32).map(word).collect()
        };
        let mut flags = words(own);
        let own_words = flags.len();
        flags.extend(words(others));
        Ok(Self {
            lats,
            lons,
            columns,
            width,
            lat_others: gpu.upload("rows that rows meet", &lats.others)?,
            lon_starts: gpu.upload("starts of columns", &lons.starts)?,
            lon_others: gpu.upload("columns that columns meet", &lons.others)?,
            flags: gpu.upload("cells that take part", &flags)?,
            own_words,
            heights: gpu.upload_real("shared heights", &lats.lengths, numbers)?,
            widths: gpu.upload_real("shared widths", &lons.lengths, numbers)?,
        })
    }

    /// The links of the cells in some rows of the first grid, cell by cell, with the others in their order.
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] if there are not so many rows; [`GpuError::TooLarge`], [`GpuError::OutOfMemory`],
    /// [`GpuError::Lost`].
    pub fn rows(&self, gpu: &Gpu, rows: Range<usize>) -> Result<SharedRows, GpuError> {
        if rows.end > self.lats.len() {
            return Err(GpuError::WrongLength { what: "the rows", found: rows.end, expected: self.lats.len() });
        }
        let columns = self.lons.len();
        let mut of_rows = Vec::with_capacity(2 * rows.len() + 2);
        let mut items = 0u64;
        for row in rows.clone() {
            of_rows.extend([items as u32, self.lats.starts[row]]);
            items += (columns * self.lats.count(row)) as u64;
        }
        if items > u64::from(u32::MAX) / 2 {
            return Err(GpuError::TooLarge { what: "items of rows".into(), bytes: 4 * items, limit: u64::from(u32::MAX) * 2 });
        }
        of_rows.extend([items as u32, self.lats.starts[rows.end]]);
        let cells = rows.len() * columns;
        let none = || SharedRows { counts: vec![0; cells], elsewhere: vec![false; cells], subjects: vec![], areas: vec![] };
        if items == 0 {
            return Ok(none());
        }
        let of_rows = gpu.upload("items of rows", &of_rows)?;
        let longest = (0..columns).map(|column| self.lons.count(column)).max().unwrap_or(0) as u64;
        let parameters = || {
            let sizes = [rows.len(), columns, self.columns, rows.start * columns, self.own_words];
            let with = Parameters::new(Numbers::all(self.width)).trips(SEARCH + longest);
            sizes.into_iter().fold(with, |p, size| p.count(size as u32))
        };
        let shared = [&of_rows, &self.lat_others, &self.lon_starts, &self.lon_others, &self.flags];
        let counts = gpu.buffer("links of items", 4 * items)?;
        let mut step = Step::new(gpu);
        let bindings: Vec<_> = shared.into_iter().chain([&counts]).map(Into::into).collect();
        step.run(&COUNT, parameters(), &bindings, items)?;
        let starts = exclusive_scan(&mut step, &counts, items as usize)?;
        step.submit()?;
        let of_items: Vec<u32> = gpu.read(&counts, 0, items as usize)?;
        let links = of_items.iter().map(|&count| u64::from(count)).sum::<u64>();
        if links == 0 {
            return Ok(none());
        }
        let subjects = gpu.buffer("subjects of links", 4 * links)?;
        let areas = gpu.buffer("areas of links", links * self.width.bytes() as u64)?;
        let mut step = Step::new(gpu);
        let own = [&self.heights, &self.widths, &starts, &subjects, &areas];
        let bindings: Vec<_> = shared.into_iter().chain(own).map(Into::into).collect();
        step.run(&AREAS, parameters(), &bindings, items)?;
        step.submit()?;
        let mut counts = Vec::with_capacity(cells);
        let mut rest = of_items.as_slice();
        for row in rows {
            let lats = self.lats.count(row);
            for _ in 0..columns {
                let (own, after) = rest.split_at(lats);
                counts.push(own.iter().sum());
                rest = after;
            }
        }
        Ok(SharedRows {
            counts,
            elsewhere: vec![false; cells],
            subjects: gpu.read(&subjects, 0, links as usize)?,
            areas: gpu.read_real(&areas, links as usize, self.width)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::tests::{Noise, device};
    use crate::overlap_products::areas;

    /// Intervals that meet some of `others` ones, the third none.
    fn axis(noise: &mut Noise, len: usize, others: u32, most: u32) -> AxisOverlaps {
        AxisOverlaps::new((0..len).map(|k| {
            let count = if k == 2 { 0 } else { 1 + (noise.next() * f64::from(most)) as u32 };
            let first = (noise.next() * f64::from(others)) as u32;
            (0..count).map(|c| ((first + c) % others, 0.1 + noise.next())).collect()
        }))
    }

    #[test]
    fn areas_are_those_of_the_processor() {
        let Some(gpu) = device() else { return };
        let mut noise = Noise(12);
        let (lats, lons) = (axis(&mut noise, 37, 50, 5), axis(&mut noise, 70, 90, 8));
        let mut flags = |len: usize, all: bool| (0..len).map(|_| all || noise.next() < 0.7).collect::<Vec<bool>>();
        for all in [true, false] {
            let (own, others) = (flags(37 * 70, all), flags(50 * 90, all));
            for width in [Width::F32, Width::F64] {
                if width == Width::F64 && !gpu.facts().f64 {
                    continue;
                }
                let products = DeviceProducts::new(gpu, (&lats, &lons), 90, [&own, &others], width).expect("small");
                for rows in [0..37, 2..3, 5..21, 36..37, 4..4] {
                    let found = products.rows(gpu, rows.clone()).expect("small");
                    assert_eq!(found.elsewhere, vec![false; rows.len() * 70]);
                    let (mut counts, mut subjects, mut expected) = (vec![], vec![], vec![]);
                    for cell in rows.start * 70..rows.end * 70 {
                        let before = subjects.len();
                        areas(&lats, &lons, 90, (cell / 70, cell % 70), |other, area| {
                            if own[cell] && others[other as usize] {
                                subjects.push(other);
                                expected.push(area);
                            }
                        });
                        counts.push((subjects.len() - before) as u32);
                    }
                    assert_eq!((found.counts, found.subjects), (counts, subjects), "{width:?} {rows:?}");
                    // A product of two roundings; of none in double precision.
                    let bound = if width == Width::F64 { 0.0 } else { 1.8e-7 };
                    for (found, expected) in found.areas.iter().zip(&expected) {
                        assert!((found / expected - 1.0).abs() <= bound, "{width:?}: {found} {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let Some(gpu) = device() else { return };
        let mut noise = Noise(13);
        let (lats, lons) = (axis(&mut noise, 4, 5, 2), axis(&mut noise, 6, 7, 2));
        let of = |own: usize, others: usize| {
            let (own, others) = (vec![true; own], vec![true; others]);
            DeviceProducts::new(gpu, (&lats, &lons), 7, [&own, &others], Width::F32).map(|products| products.rows(gpu, 0..5))
        };
        let refused = of(23, 35).map(|_| ());
        assert_eq!(refused, Err(GpuError::WrongLength { what: "the flags of cells", found: 23, expected: 24 }));
        assert!(matches!(of(24, 3), Err(GpuError::WrongLength { what: "the flags of the others", found: 3, .. })));
        assert_eq!(of(24, 35), Ok(Err(GpuError::WrongLength { what: "the rows", found: 5, expected: 4 })));
    }
}
