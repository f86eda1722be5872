//! A release each way between two made-up centres, with all the papers it needs: for demos and benches.
//!
//! Keys come from public seeds; nothing here is worth anything elsewhere.

use crate::canonical::sha256;
use crate::keys::SecretKey;

/// A release, and what both sides have agreed on about it.
pub struct Release {
    /// Its name.
    pub id: &'static str,
    /// What it is, in words.
    pub what: &'static str,
    /// The file in `datasets/` that it is made from.
    pub input: &'static str,
    /// The variable of that file.
    pub variable: &'static str,
    /// The field of the catalogue that the variable is.
    pub field: &'static str,
    /// The grid of the receiver.
    pub grid: &'static str,
    /// What the release calls that grid.
    pub grid_id: &'static str,
    /// Levels that may be released, as a TOML list; Pa.
    pub levels: &'static str,
    /// Who sends.
    pub from: Centre,
    /// Who receives.
    pub to: Centre,
    /// What the sender calls the product.
    pub product: &'static str,
    /// When the forecast or analysis began.
    pub run: &'static str,
    /// The licence.
    pub licence: &'static str,
    /// Its text.
    pub licence_text: &'static str,
    /// What users of the data must say.
    pub attribution: &'static str,
}

/// A centre that is made up.
pub struct Centre {
    /// Its identifier.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its host.
    pub host: &'static str,
}

/// Keys by number: 1 signs policies, 2 packages, 3 is the data owner's, 4 the release officer's.
pub fn key(number: u8) -> SecretKey {
    SecretKey::from_seed([number; 32], [number; 8])
}

const CANADA: Centre = Centre { id: "demo-canada", name: "Demo Centre of Canada", host: "canada.example" };
const EUROPE: Centre = Centre { id: "demo-europe", name: "Demo Centre of Europe", host: "europe.example" };

/// One each way.
pub const RELEASES: [Release; 2] = [
    Release {
        id: "gdps-to-destine",
        what: "a forecast of the Canadian GDPS for Destination Earth",
        input: "cmc_gdps_t1015_ps30km.nc",
        variable: "ta",
        field: "air_temperature_pl",
        grid: "destine-h128n",
        grid_id: "destine-h128n",
        levels: "[101500.0]",
        from: CANADA,
        to: EUROPE,
        product: "GDPS",
        run: "2013-05-20T00:00:00Z",
        licence: "ECCC-Data-Servers-End-use-2.1",
        licence_text: "ECCC Data Servers End-use Licence, version 2.1. The text is at https://eccc-msc.github.io/open-data/licence/readme_en/\n",
        attribution: "Data Source: Environment and Climate Change Canada",
    },
    Release {
        id: "nae-to-eccc",
        what: "a European pressure analysis for ECCC",
        input: "ukmo_mslp_rotated_pole.nc",
        variable: "air_pressure_at_sea_level",
        field: "mean_sea_level_pressure",
        // Cells of eccc-ps5km, where they are over Europe.
        grid: "ps:k_0=0.9330124,lon_0=-100,dx=5000,nx=250,ny=200,x0=7330000,y0=6080000,x_0=4245000,y_0=5295000,r=6371229",
        grid_id: "eccc-ps5km-europe",
        levels: "[]",
        from: EUROPE,
        to: CANADA,
        product: "NAE",
        run: "2006-06-15T00:00:00Z",
        licence: "OGL-UK-3.0",
        licence_text: "The text comes with the data, in datasets/LICENCES.txt.\n",
        attribution: "Contains public sector information licensed under the Open Government Licence.",
    },
];

/// The sender's policy.
pub fn policy(release: &Release) -> String {
    let Release { field, levels, from, to, product, licence, attribution, .. } = release;
    let (Centre { id: sender, name, host }, receiver) = (from, to.id);
    let (digest, owner, officer) =
        (sha256(release.licence_text.as_bytes()), key(3).public().to_base64(), key(4).public().to_base64());
    format!(
        r#"schema = "knarr-policy-1"
id = "demo"
version = 1
valid_from = "2020-01-01T00:00:00Z"
valid_until = "2100-01-01T00:00:00Z"
sender = "{sender}"
receivers = ["{receiver}"]
purposes = ["demonstration"]
release_valid_hours = 720

[producer]
organisation = "{name}"
centre_id = "{sender}"
url = "https://{host}/about"
distribution_url = "https://{host}/releases"
mailboxes = ["data@{host}"]

[[sources]]
product = "{product}"
origins = ["https://{host}/"]
run_hours = [0]

[[licences]]
id = "{licence}"
text_sha256 = "{digest}"
url = "https://{host}/licence"
in_force_from = "2000-01-01T00:00:00Z"
in_force_until = "2100-01-01T00:00:00Z"
attribution = "{attribution}"
wmo_policy = "core"
onward = [{{ receiver = "{receiver}", purposes = ["demonstration"] }}]

[[fields]]
id = "{field}"
products = ["{product}"]
min_spacing_km = 1.0
levels = {levels}
members = []
decimals = 2
finer = "round"

[latency]
min_hours_since_issue = 6
min_hours_since_valid = 0
clock_tolerance_s = 60

[region]
extent = "everywhere"
boxes = []
outside = "deny"

[texts]
unlisted = "drop"
public_hosts = ["{host}", "cfconventions.org", "eccc-msc.github.io"]
global_attributes = [{{ name = "Conventions", pattern = "CF-1\\.[0-9]{{1,2}}", max_length = 10 }}]

[input]
library_residue = "allow"

[limits]
max_input_bytes = 100000000
max_values = 10000000
max_payload_bytes = 200000000
max_files = 4
max_text_length = 400

[approvals]
max_hours = 72
data_owners = ["{owner}"]
release_officers = ["{officer}"]
"#
    )
}

/// The statement of the data's owner.
pub fn statement(release: &Release, now: &str) -> String {
    let Release { id, what, field, grid_id, from, to, product, run, licence, .. } = release;
    let (sender, host, receiver) = (from.id, from.host, to.id);
    format!(
        r#"schema = "knarr-statement-1"
release_id = "{id}"
prepared = "{now}"
sender = "{sender}"
receiver = "{receiver}"
purpose = "demonstration"
title = "{field}"
summary = "Demonstration: {what}."
mailbox = "data@{host}"
classification_gc = "Unclassified"
classification_eu = "public"
not_before = "2020-01-01T00:00:00Z"

[origin]
product = "{product}"
run = "{run}"
url = "https://{host}/{id}.nc"
accessed = "2026-01-01T00:00:00Z"
licence = "{licence}"
modified = true

[[files]]
variable = "{field}"
field = "{field}"
grid = "{grid_id}"
earth_relative = true
"#
    )
}

/// What the receiver knows of the sender.
pub fn pins(release: &Release) -> String {
    let [sender, owner, officer] = [2, 3, 4].map(|number| key(number).public().to_base64());
    let (from, to) = (release.from.id, release.to.id);
    format!(
        r#"schema = "knarr-pins-1"
receiver = "{to}"
max_bytes = 300000000
max_files = 40
clock_tolerance_s = 60

[[senders]]
id = "{from}"
keys = ["{sender}"]

[senders.approvals]
max_hours = 72
data_owners = ["{owner}"]
release_officers = ["{officer}"]
"#
    )
}
