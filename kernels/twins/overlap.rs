//! Twin of [`crate::overlap`]: areas that pairs of cells share, and the rows of those that share some.
//!
//! In double precision areas are within 1e-14 of the cell of [`crate::overlap::ConvexCell::overlap`]; in single, from
//! coordinates in two parts, within 5e-7 of the cell at any resolution. What a kernel cannot tell (more than 12 corners,
//! cells beyond their tangent plane) is marked and left to the processor.

use super::cell_area::DevicePolygons;
use super::exclusive_scan::exclusive_scan;
use crate::gpu::kernel::REAL_NUMBERS;
use crate::gpu::{Access, Buffer, Gpu, GpuError, Kernel, Numbers, Parameters, Step, Width};
use crate::overlap::ON_LINE;

/// Areas of pairs.
pub const PAIR_AREAS: Kernel = Kernel {
    name: "overlap",
    texts: &[include_str!("../overlap.wgsl"), include_str!("../shared/atan.wgsl")],
    entry: "pair_areas",
    bindings: &[
        ("cells", Access::Read),
        ("subjects", Access::Read),
        ("cell_starts", Access::Read),
        ("cell_corners", Access::Read),
        ("cell_vertices", Access::Read),
        ("subject_starts", Access::Read),
        ("subject_corners", Access::Read),
        ("subject_vertices", Access::Read),
        ("subject_areas", Access::Read),
        ("areas", Access::Write),
    ],
    numbers: REAL_NUMBERS,
    loops: true,
};

/// Links of each row.
pub const COUNT: Kernel = Kernel {
    name: "overlap_compact",
    texts: &[include_str!("../shared/pair_rows.wgsl"), include_str!("../overlap_compact.wgsl")],
    entry: "count",
    bindings: &[
        ("pair_starts", Access::Read),
        ("subjects", Access::Read),
        ("areas", Access::Read),
        ("cell_areas", Access::Read),
        ("subject_areas", Access::Read),
        ("counts", Access::Write),
    ],
    numbers: REAL_NUMBERS,
    loops: true,
};

/// The links alone.
pub const FILL: Kernel = Kernel {
    name: "overlap_fill",
    texts: &[include_str!("../shared/pair_rows.wgsl"), include_str!("../overlap_fill.wgsl")],
    entry: "fill",
    bindings: &[
        ("pair_starts", Access::Read),
        ("subjects", Access::Read),
        ("areas", Access::Read),
        ("cell_areas", Access::Read),
        ("subject_areas", Access::Read),
        ("starts", Access::Read),
        ("kept_subjects", Access::Write),
        ("kept_areas", Access::Write),
    ],
    numbers: REAL_NUMBERS,
    loops: true,
};

/// Trips of the loops of a pair: 12 edges with 24 corners twice, 22 triangles with ten each, corners to project.
const PAIR_TRIPS: u64 = 12 * 48 + 22 * 11 + 3 * 24;

/// Corners count as on an edge up to this part of the cell's radius in single precision: half of its rounding.
const SINGLE_ON_LINE: f64 = 6e-8;

/// Rows drop strips of this width, the rounding of corners, in double precision ...
const SLIVER_LENGTH: f64 = 4e-15;
/// ... and this part of a cell in single.
const SLIVER_SHARE: f64 = 1e-6;

/// Marks rows with a pair that the kernel cannot tell.
const ELSEWHERE: u32 = 1 << 31;

/// Two lists of cells on a device.
#[derive(Debug)]
pub struct DeviceOverlaps {
    cells: DevicePolygons,
    cell_areas: Buffer,
    subjects: DevicePolygons,
    subject_areas: Buffer,
}

/// Rows of shared areas.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedRows {
    /// Links of each row.
    pub counts: Vec<u32>,
    /// Rows that have to be done elsewhere; their links mean nothing.
    pub elsewhere: Vec<bool>,
    /// Subject of each link, in the order of the pairs.
    pub subjects: Vec<u32>,
    /// Area of each link (sr).
    pub areas: Vec<f64>,
}

impl DeviceOverlaps {
    /// Convex `cells` and any `subjects`, both counter-clockwise, with their areas (sr).
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] if areas or precisions do not fit; [`GpuError::OutOfMemory`].
    pub fn new(
        gpu: &Gpu,
        (cells, cell_areas): (DevicePolygons, &[f64]),
        (subjects, subject_areas): (DevicePolygons, &[f64]),
    ) -> Result<Self, GpuError> {
        let check = |what, found: usize, expected: usize| match found == expected {
            true => Ok(()),
            false => Err(GpuError::WrongLength { what, found, expected }),
        };
        check("the areas of the cells", cell_areas.len(), cells.len)?;
        check("the areas of the subjects", subject_areas.len(), subjects.len)?;
        check("bytes of a coordinate", subjects.width.bytes(), cells.width.bytes())?;
        let numbers = Numbers::all(cells.width);
        let cell_areas = gpu.upload_real("areas of cells", cell_areas, numbers)?;
        let subject_areas = gpu.upload_real("areas of subjects", subject_areas, numbers)?;
        Ok(Self { cells, cell_areas, subjects, subject_areas })
    }

    /// The rows of the cells `first_cell..`, one for each start but the last: row `i` looks at the subjects
    /// `subjects[pair_starts[i]..pair_starts[i + 1]]`. Slivers are dropped as rounding.
    ///
    /// # Errors
    /// [`GpuError::WrongLength`] if pairs name no cells; [`GpuError::TooLarge`] if they are too many at a time;
    /// [`GpuError::TooLong`] if a row has too many; [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub fn rows(&self, gpu: &Gpu, first_cell: usize, pair_starts: &[u32], subjects: &[u32]) -> Result<SharedRows, GpuError> {
        let rows = pair_starts.len().saturating_sub(1);
        if rows == 0 {
            return Ok(SharedRows { counts: vec![], elsewhere: vec![], subjects: vec![], areas: vec![] });
        }
        let cell_of = |i: usize| (first_cell + i) as u32;
        let cells: Vec<u32> =
            (0..rows).flat_map(|i| std::iter::repeat_n(cell_of(i), (pair_starts[i + 1] - pair_starts[i]) as usize)).collect();
        let uploaded = gpu.upload("subjects of pairs", subjects)?;
        let mut step = Step::new(gpu);
        let areas = self.add_pairs(&mut step, &cells, subjects, &uploaded)?;
        let starts = gpu.upload("starts of pairs", pair_starts)?;
        let longest = pair_starts.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0);
        let pairs = Pairs { starts: &starts, subjects: &uploaded, areas: &areas, len: subjects.len(), longest };
        keep(step, self.cells.width, (first_cell, rows), &pairs, &self.cell_areas, &self.subject_areas)
    }

    /// The area that each pair of a cell and a subject shares; -1 where the kernel cannot tell.
    ///
    /// # Errors
    /// As [`DeviceOverlaps::rows`].
    pub fn pair_areas(&self, gpu: &Gpu, cells: &[u32], subjects: &[u32]) -> Result<Vec<f64>, GpuError> {
        let uploaded = gpu.upload("subjects of pairs", subjects)?;
        let mut step = Step::new(gpu);
        let areas = self.add_pairs(&mut step, cells, subjects, &uploaded)?;
        step.submit()?;
        gpu.read_real(&areas, cells.len(), self.cells.width)
    }

    fn numbers(&self) -> Numbers {
        Numbers::all(self.cells.width)
    }

    fn add_pairs(&self, step: &mut Step, cells: &[u32], subjects: &[u32], uploaded: &Buffer) -> Result<Buffer, GpuError> {
        let gpu = step.gpu().clone();
        if cells.len() != subjects.len() {
            return Err(GpuError::WrongLength { what: "the pairs", found: subjects.len(), expected: cells.len() });
        }
        for (what, list, len) in [("the cells", cells, self.cells.len), ("the subjects", subjects, self.subjects.len)] {
            if let Some(&beyond) = list.iter().find(|&&c| c as usize >= len) {
                return Err(GpuError::WrongLength { what, found: len, expected: beyond as usize + 1 });
            }
        }
        let pairs = gpu.upload("cells of pairs", cells)?;
        let areas = gpu.buffer("areas of pairs", (cells.len() * self.cells.width.bytes()) as u64)?;
        let (length, share) = match self.cells.width {
            Width::F64 => (ON_LINE, 0.0),
            Width::F32 => (0.0, SINGLE_ON_LINE),
        };
        let parameters = Parameters::new(self.numbers()).trips(PAIR_TRIPS).real(length).real(share);
        let bindings = [
            &pairs,
            uploaded,
            &self.cells.corner_starts,
            &self.cells.corners,
            &self.cells.vertices,
            &self.subjects.corner_starts,
            &self.subjects.corners,
            &self.subjects.vertices,
            &self.subject_areas,
            &areas,
        ]
        .map(Into::into);
        step.run(&PAIR_AREAS, parameters, &bindings, cells.len() as u64)?;
        Ok(areas)
    }
}

/// Pairs on a device, row by row.
pub(super) struct Pairs<'b> {
    /// First pair of each row, and the number of all.
    pub(super) starts: &'b Buffer,
    pub(super) subjects: &'b Buffer,
    /// Shared areas; negative where a kernel cannot tell.
    pub(super) areas: &'b Buffer,
    pub(super) len: usize,
    /// Most pairs of a row.
    pub(super) longest: u32,
}

/// Does the work of a step that makes pairs, and keeps those that are no slivers; `rows` are the cells from the first
/// number on, in the second one.
pub(super) fn keep(
    mut step: Step,
    width: Width,
    (first_cell, rows): (usize, usize),
    pairs: &Pairs<'_>,
    cell_areas: &Buffer,
    subject_areas: &Buffer,
) -> Result<SharedRows, GpuError> {
    let gpu = step.gpu().clone();
    let counts = gpu.buffer("links of rows", 4 * rows as u64)?;
    let (length, share) = match width {
        Width::F64 => (SLIVER_LENGTH, 0.0),
        Width::F32 => (0.0, SLIVER_SHARE),
    };
    let parameters = || {
        let trips = 2 * u64::from(pairs.longest.max(1));
        Parameters::new(Numbers::all(width)).trips(trips).count(first_cell as u32).real(length).real(share)
    };
    let of_pairs = [pairs.starts, pairs.subjects, pairs.areas, cell_areas, subject_areas];
    let bindings: Vec<_> = of_pairs.into_iter().chain([&counts]).map(Into::into).collect();
    step.run(&COUNT, parameters(), &bindings, rows as u64)?;
    let starts = exclusive_scan(&mut step, &counts, rows)?;
    // No more links than pairs; how many there are is known after the scan.
    let kept_subjects = gpu.buffer("subjects of links", 4 * pairs.len as u64)?;
    let kept_areas = gpu.buffer("areas of links", (pairs.len * width.bytes()) as u64)?;
    let bindings: Vec<_> = of_pairs.into_iter().chain([&starts, &kept_subjects, &kept_areas]).map(Into::into).collect();
    step.run(&FILL, parameters(), &bindings, rows as u64)?;
    step.submit()?;
    let marked: Vec<u32> = gpu.read(&counts, 0, rows)?;
    let counts: Vec<u32> = marked.iter().map(|c| c & !ELSEWHERE).collect();
    let links = counts.iter().map(|&c| c as usize).sum();
    Ok(SharedRows {
        counts,
        elsewhere: marked.iter().map(|c| c & ELSEWHERE != 0).collect(),
        subjects: gpu.read(&kept_subjects, 0, links)?,
        areas: gpu.read_real(&kept_areas, links, width)?,
    })
}

#[cfg(test)]
mod tests;
