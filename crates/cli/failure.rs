//! Why the program could not run, said so that one can go on.

use knarr::grid::GridError;
use knarr::io::IoError;
use knarr::metrics::NormsError;
use knarr::plot::PlotError;
use knarr::regrid::RegridError;
use std::io::Write;

/// What is told on stderr before the program ends with exit code 2.
#[derive(Debug)]
pub struct Failure {
    message: String,
    details: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    /// A failure with one line.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), details: Vec::new(), hint: None }
    }

    /// A failure with the error's message, and its causes below.
    pub fn from_error(error: &dyn std::error::Error) -> Self {
        let mut failure = Self::new(error.to_string());
        let mut cause = error.source();
        while let Some(next) = cause {
            failure = failure.detail(next.to_string());
            cause = next.source();
        }
        failure
    }

    /// Adds a line: where, found, expected.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    /// Says how to go on.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says how to go on unless that is said already.
    #[must_use]
    pub fn or_hint(mut self, hint: impl FnOnce() -> String) -> Self {
        self.hint.get_or_insert_with(hint);
        self
    }

    /// Writes the failure to stderr; a closed stderr is no reason to fail again.
    pub fn tell(&self) {
        let mut text = format!("error: {}\n", self.message);
        for line in &self.details {
            text += &format!("  {line}\n");
        }
        if let Some(hint) = &self.hint {
            text += &format!("\nhint: {hint}\n");
        }
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

impl From<IoError> for Failure {
    fn from(error: IoError) -> Self {
        let text = error.to_string();
        let mut lines = text.lines().map(str::trim);
        let mut failure = Self::new(lines.next().unwrap_or_default());
        failure.details = lines.map(str::to_owned).collect();
        failure.hint = hint_for(&error).or_else(|| error.hint());
        failure
    }
}

/// What only the command line knows to say; the library says the rest.
fn hint_for(error: &IoError) -> Option<String> {
    Some(match error {
        IoError::UnknownGrid { source } => hint_for_grid(source),
        IoError::NotFound { path } => match near_files(path) {
            near if near.is_empty() => "check the name; `knarr inspect FILE` tells what is in a file".to_owned(),
            near => format!("similar names there: {}", near.join(", ")),
        },
        IoError::NotNetcdf { looks_like, .. } if !looks_like.is_some_and(|kind| kind.starts_with("GRIB")) => {
            "knarr reads NetCDF files; convert others first".to_owned()
        }
        IoError::Memory { needed, .. } => format!("`--max-memory {}` allows it", crate::memory::option(*needed)),
        IoError::Regrid { source: RegridError::NoCorners { .. }, .. } => NO_CORNERS.to_owned(),
        IoError::NoGrid { .. } | IoError::NoGriddedVariable { .. } => {
            "`--source-grid GRID` takes the grid from another file or a name, matched by dimension sizes".to_owned()
        }
        IoError::Write { path, problem } if problem.contains("does not exist") => {
            let folder = path.parent().unwrap_or(path);
            format!("make the folder first: `mkdir -p {}`", folder.display())
        }
        IoError::Write { path, .. } if path.is_dir() => "name a file in that folder".to_owned(),
        _ => return None,
    })
}

const NO_CORNERS: &str = "use `--method bilinear`; it needs no corners, nor do `--method nearest` and `--method distance`";

fn hint_for_grid(error: &GridError) -> String {
    match error {
        GridError::UnknownSpec { .. } => "`knarr grid --list` shows all grids; a file is a grid too".to_owned(),
        _ => "`knarr grid --list` shows how grids are written".to_owned(),
    }
}

/// Names in the folder of `path` that look like its own.
fn near_files(path: &std::path::Path) -> Vec<String> {
    let Some(name) = path.file_name().map(|n| n.to_string_lossy().into_owned()) else { return Vec::new() };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    let mut near: Vec<(usize, String)> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .map(|other| (strsim::damerau_levenshtein(&name, &other), other))
        .filter(|(distance, _)| *distance <= 3)
        .collect();
    near.sort();
    near.into_iter().take(3).map(|(_, other)| format!("`{}`", path.with_file_name(other).display())).collect()
}

impl From<GridError> for Failure {
    fn from(error: GridError) -> Self {
        Self::new(error.to_string()).hint(hint_for_grid(&error))
    }
}

impl From<RegridError> for Failure {
    fn from(error: RegridError) -> Self {
        let failure = Self::new(error.to_string());
        match error {
            RegridError::NoCorners { .. } => failure.hint(NO_CORNERS),
            RegridError::Finish { .. } => failure.hint("`--method conservative` and `--method conservative2` have cells"),
            RegridError::Stack { .. } => failure.hint("`knarr regrid --help` lists the methods and their options"),
            _ => failure,
        }
    }
}

impl From<PlotError> for Failure {
    fn from(error: PlotError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<NormsError> for Failure {
    fn from(error: NormsError) -> Self {
        Self::new(error.to_string())
    }
}

impl Failure {
    /// The message in one line, without the file's name in front.
    pub fn without_path(&self, path: &std::path::Path) -> String {
        let prefix = format!("{}: ", path.display());
        self.message.strip_prefix(&prefix).unwrap_or(&self.message).to_owned()
    }
}
