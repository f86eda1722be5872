//! `knarr demo`: the main job on the data that come with Knarr.

mod coupled;

use self::coupled::CoupledReport;
use crate::Outcome;
use crate::failure::Failure;
use crate::options::MethodName;
use crate::plot::Plot;
use crate::regrid::Regrid;
use crate::regrid_report::Report;
use crate::talk::{self, Talk};
use clap::Args;
use knarr::io::atomic::AtomicFile;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Run the main jobs on the data that come with Knarr: regrid four pairs of grids, couple five domains, check, draw maps.
#[derive(Args)]
pub struct Demo {
    /// Folder to write to; files of an earlier demo there are replaced
    #[arg(default_value = "knarr-demo")]
    dir: PathBuf,
    /// Folder with the data (default: `datasets` here, beside the program, or in the source tree)
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// One thing the demo does.
struct Step {
    title: &'static str,
    why: &'static str,
    input: &'static str,
    variable: &'static str,
    to: To,
    method: MethodName,
    output: &'static str,
}

/// The destination of a step.
enum To {
    Name(&'static str),
    /// The grid of a variable of a shipped file.
    File(&'static str, &'static str),
}

const STEPS: [Step; 4] = [
    Step {
        title: "ECCC forecast to Destination Earth HEALPix",
        why: "polar stereographic, 30 km, has x and y only: corners come from the projection",
        input: "cmc_gdps_t1015_ps30km.nc",
        variable: "ta",
        to: To::Name("H128n"),
        method: MethodName::Conservative,
        output: "cmc_ta_H128n",
    },
    Step {
        title: "the same to 1 degree",
        why: "a state at points: interpolated",
        input: "cmc_gdps_t1015_ps30km.nc",
        variable: "ta",
        to: To::Name("r360x180"),
        method: MethodName::Bilinear,
        output: "cmc_ta_r360x180",
    },
    Step {
        title: "ORCA sea surface temperature to the HRDPS grid",
        why: "tripolar with masked land to rotated lat-lon, 2.5 km",
        input: "nemo_eorca1_tos_201501.nc",
        variable: "tos",
        to: To::Name("eccc-hrdps-0.0225"),
        method: MethodName::Bilinear,
        output: "eorca1_tos_hrdps",
    },
    Step {
        title: "COADS atmosphere to the ocean's grid",
        why: "six variables, twelve months, a mask that changes with the month",
        input: "coads_monthly_climatology.nc",
        variable: "SST",
        to: To::File("nemo_eorca1_tos_201501.nc", "tos"),
        method: MethodName::Conservative,
        output: "coads_eorca1",
    },
];

/// Lines that whoever shows these data prints.
const ATTRIBUTION: [&str; 5] = [
    "Data Source: Environment and Climate Change Canada",
    "Contains public sector information licensed under the Open Government Licence",
    "NOAA: Comprehensive Ocean-Atmosphere Data Set (COADS)",
    "Made with Natural Earth",
    "Licences and origins: datasets/LICENCES.txt and datasets/manifest.toml",
];

#[derive(serde::Serialize)]
struct StepReport {
    title: &'static str,
    input: &'static str,
    to: String,
    output: String,
    maps: Vec<String>,
    seconds: f64,
    report: Report,
}

/// The folder with the data: the one given, else the first of the usual places that has them.
pub fn find_data(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let holds_data = |folder: &Path| STEPS.iter().all(|step| folder.join(step.input).is_file());
    if let Some(folder) = given {
        return if holds_data(folder) {
            Ok(folder.to_owned())
        } else {
            Err(Failure::new(format!("{}: the demo's data are not there", folder.display()))
                .detail(format!("expected {}", STEPS.map(|s| s.input).join(", "))))
        };
    }
    let mut places = vec![PathBuf::from("datasets")];
    if let Some(program) = std::env::current_exe().ok().and_then(|p| p.canonicalize().ok()) {
        places.extend(program.ancestors().skip(1).take(4).map(|folder| folder.join("datasets")));
        places.extend(program.ancestors().nth(2).map(|folder| folder.join("share/knarr/datasets")));
    }
    places.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets"));
    places.iter().find(|folder| holds_data(folder)).cloned().ok_or_else(|| {
        let looked = places.iter().map(|p| format!("not in {}", p.display()));
        looked
            .fold(Failure::new("the demo's data were not found"), Failure::detail)
            .hint("`knarr demo --data DIR` says where they are")
    })
}

impl Demo {
    /// Runs the verb.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let start = Instant::now();
        let data = find_data(self.data.as_deref())?;
        std::fs::create_dir_all(&self.dir)
            .map_err(|e| Failure::new(format!("{}: cannot make the folder: {e}", self.dir.display())))?;
        let mut reports = Vec::new();
        for (k, step) in STEPS.iter().enumerate() {
            let report = self.step(step, &data)?;
            if !json {
                talk::print(&format!(
                    "{}. {}: {} -> {}\n   {}\n{}   {:.1} s; wrote {}\n\n",
                    k + 1,
                    step.title,
                    step.input,
                    report.to,
                    step.why,
                    report.report.text(),
                    report.seconds,
                    std::iter::once(&report.output).chain(&report.maps).cloned().collect::<Vec<_>>().join(", "),
                ))?;
            }
            reports.push(report);
        }
        let coupled = CoupledReport::run(&data, &self.dir)?;
        let path = self.dir.join("report.md");
        write_text(&path, &self.markdown(&reports, &coupled, &data))?;
        if json {
            talk::print_json(&serde_json::json!({ "steps": reports, "coupled": coupled }))?;
        } else {
            let lines: String = ATTRIBUTION.iter().map(|line| format!("  {line}\n")).collect();
            talk::print(&coupled.text(STEPS.len() + 1))?;
            talk::print(&format!("report: {}\n\n{lines}", path.display()))?;
        }
        talk.note(&format!("demo done in {:.1} s", start.elapsed().as_secs_f64()));
        let passed = coupled.passed() && reports.iter().all(|r| r.report.passed());
        Ok(if passed { Outcome::Fine } else { Outcome::CheckFailed })
    }

    fn step(&self, step: &Step, data: &Path) -> Result<StepReport, Failure> {
        let start = Instant::now();
        let input = data.join(step.input);
        let to = step.destination(data);
        let output = self.dir.join(format!("{}.nc", step.output));
        let quiet = Talk { level: -1 };
        let done = Regrid::of(&input, &output, &to, step.method).execute(quiet)?;
        let source_map = self.dir.join(format!("{}_source.png", Path::new(step.input).with_extension("").display()));
        let map = self.dir.join(format!("{}.png", step.output));
        let mut maps = Vec::new();
        for (file, path) in [(&input, source_map), (&output, map)] {
            Plot::of(file, step.variable, &path).draw()?;
            maps.push(path.display().to_string());
        }
        Ok(StepReport {
            title: step.title,
            input: step.input,
            to: step.to.in_words(),
            output: output.display().to_string(),
            maps,
            seconds: start.elapsed().as_secs_f64(),
            report: Report::new(&done),
        })
    }

    fn markdown(&self, reports: &[StepReport], coupled: &CoupledReport, data: &Path) -> String {
        let mut text = format!("# knarr demo\n\nknarr {}, data from `{}`.\n\n", env!("CARGO_PKG_VERSION"), data.display());
        let local = |path: &String| Path::new(path).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        for (k, report) in reports.iter().enumerate() {
            let (step, output) = (&STEPS[k], local(&report.output));
            text += &format!("## {}. {}\n\n{}: {}.\n\n", k + 1, report.title, report.input, step.why);
            text += &format!(
                "```\nknarr regrid datasets/{} -o {output} --to {} --method {} --check\nknarr plot {output} --var {} -o {}.png\n```\n\n",
                report.input,
                step.to.argument(Path::new("datasets")),
                format!("{:?}", step.method).to_lowercase(),
                step.variable,
                step.output
            );
            text += &report.report.markdown();
            text += "\n";
            for map in &report.maps {
                text += &format!("![{0}]({0})\n", local(map));
            }
            text += "\n";
        }
        text += &coupled.markdown(STEPS.len() + 1);
        text += "## Sources\n\n";
        for line in ATTRIBUTION {
            text += &format!("- {line}\n");
        }
        text
    }
}

impl Step {
    fn destination(&self, data: &Path) -> String {
        self.to.argument(data)
    }
}

impl To {
    fn argument(&self, data: &Path) -> String {
        match self {
            Self::Name(name) => (*name).to_owned(),
            Self::File(file, variable) => format!("{}:{variable}", data.join(file).display()),
        }
    }

    fn in_words(&self) -> String {
        match self {
            Self::Name(name) => (*name).to_owned(),
            Self::File(file, variable) => format!("the grid of {file}:{variable}"),
        }
    }
}

fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    let file = AtomicFile::create(path, true)?;
    std::fs::write(file.path(), text).map_err(|e| file.error(&e))?;
    Ok(file.commit()?)
}
