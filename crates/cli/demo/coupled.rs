//! The coupled part of the demo: ten days of the experiment of five domains.

use crate::couple;
use crate::failure::Failure;
use crate::plot::Plot;
use crate::talk;
use knarr::coupling::document::Placed;
use knarr::coupling::{ExperimentFile, Prepared, Registry, RunOptions, StockRow};
use knarr::regrid::Device;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The experiment, in the folder with the data.
const EXPERIMENT: &str = "experiments/five-domains.yaml";
const DAYS: u32 = 10;
/// Residuals are rounding of sums; measured values are below 1e-14.
const TOLERANCE: f64 = 1e-12;
const TITLE: &str = "Five domains, coupled";
const WHY: &str = "air, sea with ice, land, rivers and fire weather; budgets of water and heat";
/// Component and field.
const MAPS: [(&str, &str); 4] = [
    ("ocean", "sea_surface_temperature"),
    ("ice", "sea_ice_area_fraction"),
    ("rivers", "water_volume_transport_in_river_channel"),
    ("fire", "fire_weather_index"),
];

/// What the run came to.
#[derive(serde::Serialize)]
pub struct CoupledReport {
    experiment: &'static str,
    days: u32,
    folder: String,
    maps: Vec<String>,
    seconds: f64,
    worst_residual: f64,
    stocks: Vec<StockRow>,
}

impl CoupledReport {
    /// Runs it below `dir`.
    pub fn run(data: &Path, dir: &Path) -> Result<Self, Failure> {
        let start = Instant::now();
        let mut file = ExperimentFile::read(&data.join(EXPERIMENT)).map_err(|e| couple::failure(&e))?;
        let days = format!("P{DAYS}D");
        file.experiment.clock.stop = Placed { value: days.clone(), ..file.experiment.clock.stop };
        file.experiment.output.every = Some(Placed::nowhere(days));
        let (prepared, findings) = Prepared::new(&file, &Registry::built_in());
        let mut prepared = prepared.ok_or_else(|| {
            let told = findings.0.iter().map(|f| f.told(EXPERIMENT));
            told.fold(Failure::new(format!("{EXPERIMENT} cannot run")), Failure::detail)
        })?;
        let folder = dir.join("five-domains");
        let options = RunOptions {
            folder: folder.clone(),
            threads: rayon::current_num_threads(),
            resume: false,
            device: Device::Cpu,
            allow_changed: Vec::new(),
            watch: None,
        };
        let report = knarr::coupling::run(&mut prepared, &options, &mut |_| {})
            .map_err(|e| couple::run_failure(&e, &folder, EXPERIMENT))?;
        let mut maps = Vec::new();
        for (component, field) in MAPS {
            let written = written_by(&folder, component)?;
            let map = dir.join(format!("five_domains_{component}.png"));
            Plot::of(&written, field, &map).draw()?;
            maps.push(map.display().to_string());
        }
        let stocks = report.stocks.into_iter().filter(|row| row.zone == "global").collect();
        Ok(Self {
            experiment: EXPERIMENT,
            days: DAYS,
            folder: folder.display().to_string(),
            maps,
            seconds: start.elapsed().as_secs_f64(),
            worst_residual: report.worst_residual,
            stocks,
        })
    }

    /// Whether water and heat are all accounted for.
    pub fn passed(&self) -> bool {
        self.worst_residual <= TOLERANCE && self.stocks.iter().all(|row| row.relative_residual.abs() <= TOLERANCE)
    }

    /// For people; `number` is that of the step in the demo.
    pub fn text(&self, number: usize) -> String {
        let written: Vec<&str> = std::iter::once(&self.folder).chain(&self.maps).map(String::as_str).collect();
        format!(
            "{number}. {TITLE}: {}, {} days\n   {WHY}\n{}   {}\n   {:.1} s; wrote {}\n\n",
            self.experiment,
            self.days,
            talk::table(&self.rows()),
            self.verdict(),
            self.seconds,
            written.join(", "),
        )
    }

    /// A section of the demo's report.
    pub fn markdown(&self, number: usize) -> String {
        let rows = self.rows();
        let mut text = format!("## {number}. {TITLE}\n\n{}, {} days: {WHY}.\n\n", self.experiment, self.days);
        text += &format!("```\nknarr couple run datasets/{} -o five-domains\n```\n\n", self.experiment);
        text += &format!("| {} |\n|---|---|---:|---:|---:|---:|\n", rows[0].join(" | "));
        rows[1..].iter().for_each(|row| text += &format!("| {} |\n", row.join(" | ")));
        text += &format!("\n{}.\n\n", self.verdict());
        for map in &self.maps {
            let name = Path::new(map).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            text += &format!("![{name}]({name})\n");
        }
        text + "\n"
    }

    /// The budget: stocks of the whole Earth.
    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![["component", "stock", "at first", "change", "exchanged", "difference"].map(str::to_owned).to_vec()];
        let number = |value: f64| format!("{value:.4e}");
        rows.extend(self.stocks.iter().map(|row| {
            let [first, change, flux, residual] = [row.first, row.change, row.flux, row.residual].map(number);
            vec![row.component.clone(), format!("{}, {}", row.quantity, row.units), first, change, flux, residual]
        }));
        rows
    }

    fn verdict(&self) -> String {
        format!("of what was exchanged, {:.1e} at most is not accounted for", self.worst_residual)
    }
}

/// The latest file of a component.
fn written_by(folder: &Path, component: &str) -> Result<PathBuf, Failure> {
    let start = format!("{component}_");
    let entries = std::fs::read_dir(folder).map_err(|e| Failure::new(format!("{}: {e}", folder.display())))?;
    let files = entries.filter_map(Result::ok).map(|entry| entry.path());
    let is_its = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&start) && name.ends_with(".nc")
    };
    let missing = || Failure::new(format!("{}: `{component}` wrote nothing there", folder.display()));
    files.filter(is_its).max().ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_days_close_and_are_drawn() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = crate::demo::find_data(None).expect("the shipped data");
        let report = CoupledReport::run(&data, folder.path()).unwrap_or_else(|e| {
            e.tell();
            panic!("the coupled part of the demo fails");
        });
        assert!(report.passed(), "{}", report.text(5));
        assert!(report.maps.len() == MAPS.len() && report.maps.iter().all(|map| Path::new(map).is_file()));
        // Water went through the whole chain: out of the soil, down the rivers.
        assert!(report.stocks.iter().all(|row| row.flux != 0.0), "{}", report.text(5));
        assert!(report.markdown(5).contains("| rivers | water, kg |"));
    }
}
