//! Weights made and applied.

use super::pairs::{PAIRS, Pair, Spec};
use crate::speed::{Bound, Case, CaseError, Device, Plan, Size, Work, judged};
use knarr_grid::Grid;
use knarr_metrics::AnalyticField;
use knarr_regrid::{Method, MissingPolicy, Options, Regridder, SlabFlags, Value, Weights};
use std::hint::black_box;

/// Slabs of fields that are applied to together.
const SLABS: [usize; 2] = [1, 32];

/// Methods whose error is set against their cost.
const METHODS: [(&str, Method); 7] = [
    ("nearest", Method::Nearest),
    ("distance", Method::Distance { neighbours: 4 }),
    ("bilinear", Method::Bilinear),
    ("bicubic", Method::Bicubic),
    ("patch", Method::Patch),
    ("conservative", Method::Conservative),
    ("conservative2", Method::Conservative2nd),
];

/// Plans of all pairs at a size; those on a graphics processor on the adapter of that number.
pub fn plans(size: Size, adapter: usize) -> Vec<Plan> {
    PAIRS.iter().flat_map(|pair| of_pair(pair, size, adapter)).collect()
}

fn of_pair(pair: &'static Pair, size: Size, adapter: usize) -> Vec<Plan> {
    let specs = pair.grids[size as usize];
    let plan = |kernel: String, prepare: super::Prepare| Plan {
        suite: pair.suite,
        kernel,
        device: Device::Cpu,
        size,
        data: format!("{} -> {}", specs[0].name(), specs[1].name()),
        is_parallel: true,
        with: prepare,
    };
    let mut plans: Vec<Plan> = pair
        .methods
        .iter()
        .map(|&name| plan(format!("weights {name}"), Box::new(move |measure| weights(specs, method(name), measure))))
        .collect();
    for slabs in SLABS {
        plans.push(plan(
            format!("apply f32 x{slabs}"),
            Box::new(move |m| apply::<f32>(specs, slabs, Layout::Slabs, Masks::None, m)),
        ));
    }
    for resident in [true, false] {
        let kernel = if resident { "apply f32 x32, resident" } else { "apply f32 x32, with copies to and from" };
        let with: super::Prepare = Box::new(move |m| apply_on_gpu(specs, 32, resident, adapter, m));
        plans.push(Plan { device: Device::Gpu, is_parallel: false, ..plan(kernel.to_owned(), with) });
    }
    if pair.suite == PAIRS[0].suite {
        // What a method costs and how right it is: always at the first size, where its error is far above rounding.
        if size == Size::S {
            for (name, method) in METHODS {
                plans.push(plan(format!("method {name}"), Box::new(move |m| method_once(specs, method, m))));
            }
        }
        plans.push(plan("apply f64 x32".into(), Box::new(move |m| apply::<f64>(specs, 32, Layout::Slabs, Masks::None, m))));
        for (name, masks) in [("one mask", Masks::One), ("masks", Masks::Each)] {
            let with: super::Prepare = Box::new(move |m| apply::<f32>(specs, 32, Layout::Slabs, masks, m));
            plans.push(plan(format!("apply f32 x32, {name}"), with));
        }
        for (name, masks) in [("", Masks::None), (", one mask", Masks::One), (", masks", Masks::Each)] {
            let with: super::Prepare = Box::new(move |m| apply::<f32>(specs, 32, Layout::Cells, masks, m));
            plans.push(plan(format!("apply f32 x32, cell by cell{name}"), with));
        }
    }
    plans
}

fn method(name: &str) -> Method {
    match name {
        "conservative" => Method::Conservative,
        "bilinear" => Method::Bilinear,
        _ => Method::Nearest,
    }
}

fn grids(specs: [Spec; 2]) -> Result<[Grid; 2], CaseError> {
    Ok([specs[0].grid()?, specs[1].grid()?])
}

/// Weights from the two grids. Right: rows of means sum to 1.
fn weights(specs: [Spec; 2], method: Method, measure: super::Measure<'_>) -> Result<(), CaseError> {
    let [source, destination] = grids(specs)?;
    let options = Options::new(method);
    let build = || Weights::build(black_box(&source), black_box(&destination), &options).map_err(CaseError::from_error);
    let once = build()?;
    let off = |i: usize| if once.is_mapped(i) { (once.row(i).1.iter().sum::<f64>() - 1.0).abs() } else { 0.0 };
    let error = judged("rows off 1", (0..once.destination_len()).map(off).fold(0.0, f64::max), 1e-14)?;
    let (links, rows) = (once.len() as u64, once.destination_len() as u64);
    if links == 0 {
        return Err(CaseError::Failed("no cell is reached".to_owned()));
    }
    let work = Work {
        items: links,
        unit: "links".to_owned(),
        bytes: weights_bytes(links, rows),
        flops: 0,
        formula: "12 B a link and 4 B a row, written".to_owned(),
        bound: Bound::Open,
    };
    measure(Case::new(work, error, || build().map(|w| drop(black_box(w)))));
    Ok(())
}

fn weights_bytes(links: u64, rows: u64) -> u64 {
    12 * links + 4 * rows
}

/// Bytes that applying weights must move: 12 a link (a column of 4, a weight of 8), once for all slabs; a slab's
/// source cells that are used once, its destination twice (allocated in the cache, then written).
pub(super) fn apply_bytes(links: u64, used: u64, rows: u64, slabs: u64, value: u64) -> u64 {
    12 * links + slabs * value * (used + 2 * rows)
}

/// Bytes of the flags of source and destination cells that go with them: a word of 64 cells is 8.
fn flag_bytes(cells: u64, rows: u64, slabs: u64) -> u64 {
    8 * slabs * (cells.div_ceil(64) + 2 * rows.div_ceil(64))
}

/// Source cells that a destination cell takes anything from.
pub(super) fn used_sources(weights: &Weights) -> u64 {
    let mut is_used = vec![false; weights.source_len];
    (0..weights.destination_len()).for_each(|i| weights.row(i).0.iter().for_each(|&c| is_used[c as usize] = true));
    is_used.iter().filter(|u| **u).count() as u64
}

/// Which values lie together.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    /// Those of a slab.
    Slabs,
    /// Those of a cell.
    Cells,
}

impl Layout {
    /// Slab and cell of the value `k` of some slabs of `cells`.
    fn place(self, k: usize, cells: usize, slabs: usize) -> (usize, usize) {
        match self {
            Self::Slabs => (k / cells, k % cells),
            Self::Cells => (k % slabs, k / slabs),
        }
    }
}

/// Which slabs miss values.
#[derive(Clone, Copy, PartialEq)]
enum Masks {
    None,
    /// All the same.
    One,
    /// Each its own.
    Each,
}

impl Masks {
    /// Flags of `cells` of each of some slabs: a quarter of the cells is missing, here and there.
    fn flags(self, layout: Layout, cells: usize, slabs: usize) -> Option<SlabFlags> {
        let is_there = |k: usize| {
            let (slab, cell) = layout.place(k, cells, slabs);
            let mask = if self == Self::Each { 1 + slab } else { 0 };
            (cell + mask * cells).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 62 != 0
        };
        let flags = || -> Vec<bool> { (0..cells * slabs).map(is_there).collect() };
        let together = if layout == Layout::Slabs { cells } else { slabs };
        (self != Self::None).then(|| SlabFlags::from_bools(together, &flags()))
    }
}

/// Conservative weights applied to slabs of the vortex. Right: first-order means of it.
fn apply<V: Value>(
    specs: [Spec; 2],
    slabs: usize,
    layout: Layout,
    masks: Masks,
    measure: super::Measure<'_>,
) -> Result<(), CaseError> {
    let [source, destination] = grids(specs)?;
    let weights = Weights::build(&source, &destination, &Options::new(Method::Conservative)).map_err(CaseError::from_error)?;
    let used = used_sources(&weights);
    let (links, rows) = (weights.len() as u64, weights.destination_len());
    let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
    let field: Vec<V> = AnalyticField::Vortex.at_centers(&source).into_iter().map(V::from_f64).collect();
    let n = source.len();
    let values: Vec<V> = (0..slabs * n).map(|k| field[layout.place(k, n, slabs).1]).collect();
    let flags = masks.flags(layout, n, slabs);
    let prepared = regridder.prepare();
    let mut result = vec![V::from_f64(f64::NAN); slabs * rows];
    let apply = |result: &mut [V]| {
        match layout {
            Layout::Slabs => prepared.apply_into(black_box(&values), flags.as_ref(), result),
            Layout::Cells => prepared.apply_cells_into(slabs, black_box(&values), flags.as_ref(), result),
        }
        .map_err(CaseError::from_error)
    };
    let valid = apply(&mut result)?;
    let expected = AnalyticField::Vortex.at_centers(&destination);
    let is_valid = |k: usize| match (&valid, layout.place(k, rows, slabs)) {
        (None, (_, cell)) => regridder.weights.is_mapped(cell),
        (Some(valid), (slab, cell)) if layout == Layout::Slabs => valid.get(slab, cell),
        (Some(valid), (slab, cell)) => valid.get(cell, slab),
    };
    let off: Vec<f64> = (0..result.len())
        .filter(|&k| is_valid(k))
        .map(|k| (result[k].to_f64(), expected[layout.place(k, rows, slabs).1]))
        .map(|(found, expected)| (found - expected).abs() / expected.abs())
        .collect();
    // The mean, not the worst: cells at a rim have their means over what is covered, not at their centers.
    let error = judged("mean misfit of the vortex", off.iter().sum::<f64>() / off.len() as f64, 1e-2)?;
    let flag_bytes = if flags.is_some() { flag_bytes(n as u64, rows as u64, slabs as u64) } else { 0 };
    let masked = if flags.is_some() { "; flags of sources once, of results twice, 64 in 8 B" } else { "" };
    // A slab alone does not read the links of products: weights of latitudes and of columns stay in cache.
    let (links_read, read) = match slabs == 1 && prepared.products() == rows {
        true => (0, "no link, weights are products"),
        false => (links, "12 B a link once"),
    };
    let work = Work {
        items: links * slabs as u64,
        unit: "links x slabs".to_owned(),
        bytes: apply_bytes(links_read, used, rows as u64, slabs as u64, size_of::<V>() as u64) + flag_bytes,
        flops: 2 * links * slabs as u64,
        formula: format!("{read}; a slab's used source values once, its results twice{masked}; 2 flops a link and slab"),
        bound: Bound::Memory,
    };
    measure(Case::new(work, error, || apply(&mut result).map(drop)));
    Ok(())
}

/// There is nothing to compute on in this build.
#[cfg(not(feature = "gpu"))]
fn apply_on_gpu(_: [Spec; 2], _: usize, _: bool, _: usize, _: super::Measure<'_>) -> Result<(), CaseError> {
    Err(CaseError::NoAdapter)
}

/// Conservative weights on a graphics processor, fields there already or copied to and from. Right: as on the processor.
#[cfg(feature = "gpu")]
fn apply_on_gpu(
    specs: [Spec; 2],
    slabs: usize,
    resident: bool,
    adapter: usize,
    measure: super::Measure<'_>,
) -> Result<(), CaseError> {
    use knarr_kernels::gpu::{DeviceField, Numbers, Step};
    use knarr_kernels::sparse_apply::{Missing, SparseRows};
    use knarr_kernels::twins::sparse_apply::DeviceRows;

    let (gpu, is_software) = crate::speed::gpu::open(adapter)?;
    let [source, destination] = grids(specs)?;
    let weights = Weights::build(&source, &destination, &Options::new(Method::Conservative)).map_err(CaseError::from_error)?;
    let (n, rows, links) = (source.len(), destination.len(), weights.len() as u64);
    let values: Vec<f32> =
        AnalyticField::Vortex.at_centers(&source).into_iter().map(|v| v as f32).cycle().take(slabs * n).collect();
    let mut expected = vec![f32::NAN; slabs * rows];
    let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
    let is_mapped = |k: usize| regridder.weights.is_mapped(k % rows);
    regridder.prepare().apply_into(&values, None, &mut expected).map_err(CaseError::from_error)?;
    let off = |result: &[f32]| {
        let pairs = result.iter().zip(&expected).enumerate().filter(|(k, _)| is_mapped(*k));
        pairs
            .map(|(_, (r, e))| f64::from((r - e).abs() / e.abs()))
            .fold(0.0, |m: f64, d| if d.is_nan() { f64::INFINITY } else { m.max(d) })
    };
    // Terms of a row, each rounded: some tens of units in the last place of a single number.
    let bound = 64.0 * f64::from(f32::EPSILON);
    let what = "against the processor, relative";
    let used = n as u64;
    let work = Work {
        items: links * slabs as u64,
        unit: "links x slabs".to_owned(),
        bytes: apply_bytes(links, used, rows as u64, slabs as u64, 4),
        flops: 2 * links * slabs as u64,
        formula: "as on the processor, all source cells taken as used; copies between both are not counted".to_owned(),
        bound: if resident { Bound::Memory } else { Bound::Open },
    };
    if resident {
        let numbers = Numbers::of::<f32>(&gpu).map_err(CaseError::from_error)?;
        let sparse = SparseRows {
            row_starts: &regridder.weights.row_starts,
            columns: &regridder.weights.columns,
            weights: &regridder.weights.values,
        };
        let on_device = DeviceRows::upload(&gpu, sparse, n, numbers).map_err(CaseError::from_error)?;
        let lanes = gpu.lanes::<f32>(n.max(rows), slabs).map_err(CaseError::from_error)?;
        let field = DeviceField::upload(&gpu, n, &values, None, lanes).map_err(CaseError::from_error)?;
        let result = on_device.destination_for(&gpu, &field).map_err(CaseError::from_error)?;
        let mut step = Step::new(&gpu);
        on_device.apply(&mut step, &field, Missing::Renormalize { min_valid: 0.0 }, &result).map_err(CaseError::from_error)?;
        step.finish().map_err(CaseError::from_error)?;
        let error = judged(what, off(&result.download(&gpu).map_err(CaseError::from_error)?.0), bound)?;
        let run = || step.finish().map_err(CaseError::from_error);
        measure(Case::new(work, error, run).by_software(is_software));
    } else {
        let prepared = regridder.prepare_on::<f32>(&knarr_regrid::Device::Gpu(gpu)).map_err(CaseError::from_error)?;
        let mut result = vec![f32::NAN; slabs * rows];
        prepared.apply_into(&values, None, &mut result).map_err(CaseError::from_error)?;
        let error = judged(what, off(&result), bound)?;
        let run = || prepared.apply_into(black_box(&values), None, &mut result).map(drop).map_err(CaseError::from_error);
        measure(Case::new(work, error, run).by_software(is_software));
    }
    Ok(())
}

/// Weights made and applied to one slab of the vortex. Right: a mean misfit below that of the nearest center.
fn method_once(specs: [Spec; 2], method: Method, measure: super::Measure<'_>) -> Result<(), CaseError> {
    let [source, destination] = grids(specs)?;
    let options = Options::new(method);
    let field = AnalyticField::Vortex.at_centers(&source);
    let expected = AnalyticField::Vortex.at_centers(&destination);
    let once = || {
        let weights = Weights::build(&source, &destination, &options).map_err(CaseError::from_error)?;
        let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
        regridder.apply(&field, None).map_err(CaseError::from_error)
    };
    let (result, valid) = once()?;
    let misfit = |i: usize| (result[i] - expected[i]).abs() / expected[i].abs();
    let mapped: Vec<f64> = (0..result.len()).filter(|&i| valid[i]).map(misfit).collect();
    let error = judged("mean misfit of the vortex", mapped.iter().sum::<f64>() / mapped.len() as f64, 1e-2)?;
    let work = Work {
        items: destination.len() as u64,
        unit: "destination cells".to_owned(),
        bytes: 8 * (source.len() + 2 * destination.len()) as u64,
        flops: 0,
        formula: "source once, results twice".to_owned(),
        bound: Bound::Open,
    };
    measure(Case::new(work, error, || once().map(|r| drop(black_box(r)))));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Bytes touched by a plain application, each place once for weights and sources, results twice.
    #[test]
    fn bytes_by_formula_are_those_that_are_touched() {
        let (source, destination) = (Grid::from_spec("r24x12").expect("a grid"), Grid::from_spec("H4n").expect("a grid"));
        let weights = Weights::build(&source, &destination, &Options::new(Method::Conservative)).expect("corners");
        let (slabs, value) = (3u64, 4u64);
        let mut touched = 0;
        let mut sources = BTreeSet::new();
        for slab in 0..slabs {
            for i in 0..weights.destination_len() {
                for &column in weights.row(i).0 {
                    // The weight and its column stay in a register for all slabs of a row.
                    touched += if slab == 0 { 4 + 8 } else { 0 };
                    if sources.insert((slab, column)) {
                        touched += value;
                    }
                }
                touched += 2 * value;
            }
        }
        let used = sources.iter().filter(|s| s.0 == 0).count() as u64;
        assert_eq!(used, source.len() as u64, "both are global");
        assert_eq!(apply_bytes(weights.len() as u64, used, weights.destination_len() as u64, slabs, value), touched);
        assert_eq!(weights_bytes(weights.len() as u64, weights.destination_len() as u64), {
            let links: usize = (0..weights.destination_len()).map(|i| weights.row(i).0.len() * (4 + 8) + 4).sum();
            links as u64
        });
    }

    /// Words of flags that are touched when every cell of every slab is asked for, those of results twice.
    #[test]
    fn bytes_of_flags_are_those_of_the_words_that_are_touched() {
        let (cells, rows, slabs) = (288u64, 192u64, 3u64);
        let words = |len: u64| {
            let touched: BTreeSet<(u64, u64)> = (0..slabs).flat_map(|s| (0..len).map(move |c| (s, c / 64))).collect();
            8 * touched.len() as u64
        };
        assert_eq!(flag_bytes(cells, rows, slabs), words(cells) + 2 * words(rows));
    }

    #[test]
    fn every_case_against_memory_counts_its_operations_too() {
        let plans = crate::speed::Suite::ALL.into_iter().flat_map(|s| s.plans(Size::S, 0));
        for plan in plans.filter(|p| p.device == Device::Cpu && p.kernel.starts_with("apply ")) {
            (plan.with)(&mut |case| {
                assert_eq!(case.work.bound, Bound::Memory, "{}", plan.id());
                // Two for each link and slab, and no more bytes than if nothing were used twice.
                assert_eq!(case.work.flops, 2 * case.work.items, "{}", plan.id());
                assert!(case.work.bytes <= (12 + 8 + 2 * 8) * case.work.items, "{}", plan.id());
            })
            .unwrap_or_else(|e| panic!("{}: {e}", plan.id()));
        }
    }
}
