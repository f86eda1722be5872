//! One release from end to end, each part of which a test may change.

use super::settings::{LICENCE, STATEMENT, pins, policy};
use knarr_exchange::Catalogue;
use knarr_exchange::audit::AuditLog;
use knarr_exchange::classic;
use knarr_exchange::gate::{Judgement, Request, judge};
use knarr_exchange::instant::Instant;
use knarr_exchange::keys::SecretKey;
use knarr_exchange::package::{PackRequest, Packed, Pins, Role, SignedApproval, approve, pack};
use knarr_exchange::policy::{Loaded, Policy, Statement};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub struct Scene {
    pub folder: TempDir,
    pub policy: String,
    pub statement: String,
    pub licence: String,
    pub signer: SecretKey,
    pub sender: SecretKey,
    pub owner: SecretKey,
    pub officer: SecretKey,
    pub clocks: [Instant; 2],
    pub approval_hours: u32,
    pub approved: Instant,
}

/// Lets go of what a call returns, a borrow for example.
pub fn done<T>(_: T) {}

pub fn moment(text: &str) -> Instant {
    text.parse().expect("a moment")
}

fn key(number: u8) -> SecretKey {
    SecretKey::from_seed([number; 32], [number; 8])
}

impl Scene {
    pub fn new() -> Self {
        // Before anything else opens the library: it is quiet then, and does not fail at the end of the program.
        hdf5_metno::silence_errors(true);
        let (owner, officer) = (key(3), key(4));
        let now = moment("2026-11-25T12:00:00Z");
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            policy: policy(&owner.public().to_base64(), &officer.public().to_base64()),
            statement: STATEMENT.to_owned(),
            licence: LICENCE.to_owned(),
            signer: key(1),
            sender: key(2),
            owner,
            officer,
            clocks: [now, now],
            approval_hours: 72,
            approved: moment("2026-11-24T10:00:00Z"),
        }
    }

    /// Changes a line of the policy; the old one must be there.
    pub fn policy(mut self, old: &str, new: &str) -> Self {
        assert!(self.policy.contains(old), "no `{old}` in the policy");
        self.policy = self.policy.replace(old, new);
        self
    }

    /// Changes a line of the statement; the old one must be there.
    pub fn statement(mut self, old: &str, new: &str) -> Self {
        assert!(self.statement.contains(old), "no `{old}` in the statement");
        self.statement = self.statement.replace(old, new);
        self
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn log(&self) -> AuditLog {
        AuditLog::at(&self.at("sender.log"))
    }

    pub fn pins(&self) -> Pins {
        let line = |key: &SecretKey| key.public().to_base64();
        toml::from_str(&pins(&line(&self.sender), &line(&self.owner), &line(&self.officer))).expect("pins")
    }

    fn with_request<T>(&self, input: &Path, then: impl FnOnce(Request<'_>) -> T) -> T {
        let policy = Loaded::<Policy>::from_bytes(self.policy.clone().into_bytes(), Path::new("policy.toml")).expect("a policy");
        let statement = Loaded::<Statement>::from_bytes(self.statement.clone().into_bytes(), Path::new("statement.toml"))
            .expect("a statement");
        let signature = self.signer.sign(&policy.bytes, "policy");
        then(Request {
            policy: &policy,
            policy_signature: signature.as_bytes(),
            policy_keys: &[key(1).public()],
            statement: &statement,
            licence_text: self.licence.as_bytes(),
            input,
            clocks: self.clocks,
        })
    }

    pub fn judge(&self, input: &Path) -> Judgement {
        self.with_request(input, |request| judge(&request, &Catalogue::load().expect("it loads")).expect("judged"))
    }

    pub fn approvals(&self, report: &[u8]) -> Vec<SignedApproval> {
        let id = self.statement.split("release_id = \"").nth(1).and_then(|s| s.split('"').next()).expect("an id").to_owned();
        [(Role::DataOwner, &self.owner), (Role::ReleaseOfficer, &self.officer)]
            .into_iter()
            .map(|(role, key)| approve(report, &id, role, self.approved, self.approval_hours, key).expect("approved"))
            .collect()
    }

    /// Judges, approves and packs into the folder `name`.
    pub fn pack(&self, input: &Path, name: &str) -> Packed {
        let approvals = self.approvals(&self.judge(input).report.to_bytes());
        self.pack_with(input, name, &approvals)
    }

    pub fn pack_with(&self, input: &Path, name: &str, approvals: &[SignedApproval]) -> Packed {
        let folder = self.at(name);
        std::fs::create_dir_all(&folder).expect("writable");
        self.with_request(input, |gate| {
            let request = PackRequest { gate, approvals, key: &self.sender, folder: &folder, log: &self.log() };
            pack(&request, &Catalogue::load().expect("it loads")).expect("packed")
        })
    }

    /// A clean input.
    pub fn input(&self) -> PathBuf {
        self.input_with(|_| {})
    }

    /// A clean input with more done to it before it is closed.
    pub fn input_with(&self, edit: impl FnOnce(&mut netcdf::FileMut)) -> PathBuf {
        let path = self.at("input.nc");
        let mut file = netcdf::create(&path).expect("writable");
        axes(&mut file, 18, 36);
        add_field(&mut file, "tas", "air_temperature", "K", 273.15);
        edit(&mut file);
        file.close().expect("closed");
        path
    }
}

/// Longitudes and latitudes of a global grid, and two times with bounds.
pub fn axes(file: &mut netcdf::FileMut, rows: usize, columns: usize) {
    horizontal(file, rows, columns);
    file.add_dimension("time", 2).expect("a dimension");
    file.add_dimension("bnds", 2).expect("a dimension");
    let time = [
        ("standard_name", "time"),
        ("units", "hours since 2026-11-20 00:00:00"),
        ("calendar", "standard"),
        ("bounds", "time_bnds"),
    ];
    axis(file, "time", &[6.0, 12.0], &time);
    let mut bounds = file.add_variable::<f64>("time_bnds", &["time", "bnds"]).expect("a variable");
    bounds.put_values(&[0.0, 6.0, 6.0, 12.0], ..).expect("written");
}

/// Longitudes and latitudes of a global grid.
pub fn horizontal(file: &mut netcdf::FileMut, rows: usize, columns: usize) {
    let (dy, dx) = (180.0 / rows as f64, 360.0 / columns as f64);
    file.add_dimension("lat", rows).expect("a dimension");
    file.add_dimension("lon", columns).expect("a dimension");
    let lats: Vec<f64> = (0..rows).map(|j| -90.0 + dy * (j as f64 + 0.5)).collect();
    let lons: Vec<f64> = (0..columns).map(|i| dx * (i as f64 + 0.5)).collect();
    axis(file, "lat", &lats, &[("standard_name", "latitude"), ("units", "degrees_north"), ("axis", "Y")]);
    axis(file, "lon", &lons, &[("standard_name", "longitude"), ("units", "degrees_east"), ("axis", "X")]);
}

fn axis(file: &mut netcdf::FileMut, name: &str, values: &[f64], attributes: &[(&str, &str)]) {
    let mut variable = file.add_variable::<f64>(name, &[name]).expect("a variable");
    attributes.iter().for_each(|(name, value)| done(variable.put_attribute(name, *value).expect("an attribute")));
    variable.put_values(values, ..).expect("written");
}

/// A field on time, latitude and longitude around `value`.
pub fn add_field(file: &mut netcdf::FileMut, name: &str, standard_name: &str, units: &str, value: f32) {
    let len: usize = ["time", "lat", "lon"].iter().map(|d| file.dimension_len(d).expect("a dimension")).product();
    let mut variable = file.add_variable::<f32>(name, &["time", "lat", "lon"]).expect("a variable");
    variable.set_fill_value(-999.0f32).expect("a fill value");
    for (name, value) in [("standard_name", standard_name), ("units", units), ("cell_methods", "time: point")] {
        variable.put_attribute(name, value).expect("an attribute");
    }
    let values: Vec<f32> = (0..len).map(|k| value + (k % 7) as f32 * value.abs() / 1000.0).collect();
    variable.put_values(&values, ..).expect("written");
}

/// The clean input as a file of the classic format.
pub fn classic() -> classic::File {
    use classic::{File, Values, Variable};
    let texts =
        |list: &[(&str, &str)]| list.iter().map(|(n, t)| ((*n).to_owned(), Values::Text((*t).to_owned()))).collect::<Vec<_>>();
    let axis = |name: &str, dim: usize, values: Vec<f64>, attributes: &[(&str, &str)]| Variable {
        name: name.to_owned(),
        dims: vec![dim],
        attributes: texts(attributes),
        values: Values::Double(values),
    };
    let mut tas = Variable {
        name: "tas".to_owned(),
        dims: vec![2, 0, 1],
        attributes: texts(&[("standard_name", "air_temperature"), ("units", "K"), ("cell_methods", "time: point")]),
        values: Values::Float((0..1296).map(|k| 273.0 + (k % 9) as f32).collect()),
    };
    tas.attributes.push(("_FillValue".to_owned(), Values::Float(vec![-999.0])));
    let time = [("standard_name", "time"), ("units", "hours since 2026-11-20 00:00:00"), ("bounds", "time_bnds")];
    File {
        dims: [("lat", 18), ("lon", 36), ("time", 2), ("bnds", 2)].map(|(n, len)| (n.to_owned(), len)).to_vec(),
        attributes: texts(&[("title", "Air temperature")]),
        variables: vec![
            axis(
                "lat",
                0,
                (0..18).map(|j| -85.0 + 10.0 * f64::from(j)).collect(),
                &[("standard_name", "latitude"), ("units", "degrees_north")],
            ),
            axis(
                "lon",
                1,
                (0..36).map(|i| 5.0 + 10.0 * f64::from(i)).collect(),
                &[("standard_name", "longitude"), ("units", "degrees_east")],
            ),
            axis("time", 2, vec![6.0, 12.0], &time),
            Variable { dims: vec![2, 3], attributes: Vec::new(), ..axis("time_bnds", 2, vec![0.0, 6.0, 6.0, 12.0], &[]) },
            tas,
        ],
    }
}
