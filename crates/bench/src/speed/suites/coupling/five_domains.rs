//! A day of the experiment of five domains that comes with Knarr; its data are within the program, so it runs anywhere.

use super::{Stepped, closed_case, prepare};
use crate::speed::CaseError;
use crate::speed::suites::Measure;
use knarr_coupling::document::Placed;
use knarr_coupling::{ExperimentFile, Registry};
use std::fs;
use std::path::Path;

/// What it stands for.
pub const SUITE: &str = "five-domains day";
/// Its grids.
pub const DATA: &str = "air r180x90, sea ORCA2, land 1 degree";

macro_rules! files {
    ($($name:literal),*) => {
        [$(($name, include_bytes!(concat!("../../../../../../datasets/", $name)).as_slice())),*]
    };
}

/// The experiment and what it reads, as in the folder `datasets`.
const FILES: [(&str, &[u8]); 5] = files![
    "experiments/five-domains.yaml",
    "coads_monthly_climatology.nc",
    "etopo_1deg.nc",
    "natural_earth_landfrac_1deg.nc",
    "orca2_votemper.nc"
];

/// One day. Right: the ledger closes.
pub fn day(measure: Measure<'_>) -> Result<(), CaseError> {
    // The NetCDF library asks for attributes that are not there, and the HDF5 library would tell each time.
    hdf5_metno::silence_errors(true);
    let folder = tempfile::tempdir().map_err(CaseError::from_error)?;
    unpack(folder.path()).map_err(CaseError::from_error)?;
    let mut file = ExperimentFile::read(&folder.path().join(FILES[0].0)).map_err(CaseError::from_error)?;
    // As long as anyone measures; the data of a year come again.
    file.experiment.clock.stop = Placed { value: "P1000Y".to_owned(), ..file.experiment.clock.stop };
    let mut prepared = prepare(&file, &Registry::built_in())?;
    let actions = prepared.plan.schedule.actions.len();
    let stepped = Stepped::new(&mut prepared, actions)?;
    // Rivers begin to run, fields to be old.
    stepped.call()?;
    closed_case(&stepped, measure)
}

fn unpack(folder: &Path) -> std::io::Result<()> {
    for (name, bytes) in FILES {
        let path = folder.join(name);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_day_and_every_file_of_the_experiment_is_there() {
        let text = std::str::from_utf8(FILES[0].1).expect("text");
        for word in text.split(|c: char| c.is_whitespace() || "\"{},:".contains(c)).filter(|w| w.starts_with("../")) {
            assert!(FILES.iter().any(|f| f.0 == &word[3..]), "{word}");
        }
        let mut handed = false;
        day(&mut |mut case| {
            (case.figures)();
            (case.run)().expect("it runs");
            handed = case.work.items > 0 && (case.figures)().len() == 2;
        })
        .expect("it is right");
        assert!(handed);
    }
}
