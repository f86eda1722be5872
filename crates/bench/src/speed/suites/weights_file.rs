//! Weights written to files and read from them, kept in a cache and found there.

use super::Measure;
use super::pairs::{PAIRS, Spec};
use crate::speed::{Bound, Case, CaseError, Device, Plan, Size, Work, judged};
use knarr_io::{Cached, WeightsCache, WeightsFormat, read_weights, write_weights};
use knarr_regrid::{Method, Options, Weights};
use std::fs;
use std::hint::black_box;

const SUITE: &str = "weights in files";

/// What is done with the file.
#[derive(Clone, Copy)]
enum Way {
    Write(WeightsFormat),
    Read,
    Keep,
    Find,
    /// The same bytes without a thought: what the others are held against.
    Copy,
}

const WAYS: [(&str, Way); 6] = [
    ("write weights", Way::Write(WeightsFormat::Esmf)),
    ("write weights, SCRIP layout", Way::Write(WeightsFormat::Scrip)),
    ("read weights", Way::Read),
    ("keep weights in a cache", Way::Keep),
    ("find weights in a cache", Way::Find),
    ("write the bytes of weights plainly", Way::Copy),
];

/// Plans at a size.
pub fn plans(size: Size) -> Vec<Plan> {
    let specs = PAIRS[0].grids[size as usize];
    let plan = |(kernel, way): (&str, Way)| Plan {
        suite: SUITE,
        kernel: kernel.to_owned(),
        device: Device::Cpu,
        size,
        data: format!("{} -> {}", specs[0].name(), specs[1].name()),
        is_parallel: false,
        with: Box::new(move |measure| timed(specs, way, measure)),
    };
    WAYS.into_iter().map(plan).collect()
}

/// Conservative weights and a file of them in the page cache. Right: the same weights come back.
fn timed([source, destination]: [Spec; 2], way: Way, measure: Measure<'_>) -> Result<(), CaseError> {
    let (source, destination) = (source.grid()?, destination.grid()?);
    let options = Options::new(Method::Conservative);
    let weights = Weights::build(&source, &destination, &options).map_err(CaseError::from_error)?;
    let folder = tempfile::tempdir().map_err(CaseError::from_error)?;
    let (map, kept) = (folder.path().join("map.nc"), folder.path().join("kept"));
    let write =
        |format| write_weights(&weights, &source, &destination, &map, format, true).map(drop).map_err(CaseError::from_error);
    let read = || read_weights(black_box(&map)).map_err(CaseError::from_error);
    // A new value each time: one that has written an entry does not write it again.
    let keep = || {
        let cache = WeightsCache::open(&kept).map_err(CaseError::from_error)?;
        cache.keep(&weights).map(drop).map_err(CaseError::from_error)
    };
    let find = || {
        let cache = WeightsCache::open(&kept).map_err(CaseError::from_error)?;
        match cache.find(&source, &destination, &options) {
            Cached::Found(found) => Ok(found),
            _ => Err(CaseError::Failed("the cache does not find what it keeps".to_owned())),
        }
    };
    let (differ, file) = match way {
        Way::Keep | Way::Find => {
            keep()?;
            let entry = fs::read_dir(&kept).map_err(CaseError::from_error)?.flatten().next();
            (*find()? != weights, entry.ok_or_else(|| CaseError::Failed("the cache keeps nothing".to_owned()))?.path())
        }
        Way::Write(format) => {
            write(format)?;
            (read()?.weights != weights, map.clone())
        }
        Way::Read | Way::Copy => {
            write(WeightsFormat::Esmf)?;
            (read()?.weights != weights, map.clone())
        }
    };
    let error = judged("weights that differ", f64::from(u8::from(differ)), 0.0)?;
    let bytes = fs::read(&file).map_err(CaseError::from_error)?;
    let work = Work {
        items: weights.len() as u64,
        unit: "links".to_owned(),
        bytes: bytes.len() as u64,
        flops: 0,
        formula: "bytes of the file".to_owned(),
        bound: Bound::Open,
    };
    let copy = folder.path().join("copy");
    measure(match way {
        Way::Write(format) => Case::new(work, error, move || write(format)),
        Way::Read => Case::new(work, error, || read().map(|w| drop(black_box(w)))),
        Way::Keep => Case::new(work, error, keep),
        Way::Find => Case::new(work, error, || find().map(|w| drop(black_box(w)))),
        Way::Copy => Case::new(work, error, || fs::write(&copy, black_box(&bytes)).map_err(CaseError::from_error)),
    });
    Ok(())
}
