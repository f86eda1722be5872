//! A policy, a statement and pins for tests: two invented centres, one real field.

use knarr_exchange::canonical::sha256;

/// Text of the invented licence.
pub const LICENCE: &str = "You may use, change and pass on these data if you name their source.\n";

/// The policy; `OWNER` and `OFFICER` stand for keys.
pub fn policy(owner: &str, officer: &str) -> String {
    POLICY.replace("@OWNER@", owner).replace("@OFFICER@", officer).replace("@LICENCE@", &sha256(LICENCE.as_bytes()))
}

const POLICY: &str = r#"
schema = "knarr-policy-1"
id = "north-to-south"
version = 3
valid_from = "2026-01-01T00:00:00Z"
valid_until = "2027-01-01T00:00:00Z"
sender = "xx-north"
receivers = ["yy-south"]
purposes = ["research"]
release_valid_hours = 720

[producer]
organisation = "Northern Weather Service"
centre_id = "xx-north"
url = "https://data.north.example/about"
distribution_url = "https://data.north.example/releases"
mailboxes = ["data@north.example"]

[[sources]]
product = "GDPS"
origins = ["https://data.north.example/"]
run_hours = [0, 12]

[[licences]]
id = "North-Open-1.0"
text_sha256 = "@LICENCE@"
url = "https://data.north.example/licence"
in_force_from = "2020-01-01T00:00:00Z"
in_force_until = "2030-01-01T00:00:00Z"
attribution = "Data Source: Northern Weather Service"
wmo_policy = "core"
onward = [{ receiver = "yy-south", purposes = ["research"] }]

[[fields]]
id = "air_temperature_2m"
products = ["GDPS"]
min_spacing_km = 500.0
levels = []
members = []
decimals = 2
finer = "round"

[[fields]]
id = "air_temperature_pl"
products = ["GDPS"]
min_spacing_km = 500.0
levels = [85000.0, 50000.0]
members = []
decimals = 2
finer = "round"

[[fields]]
id = "eastward_wind_10m"
products = ["GDPS"]
min_spacing_km = 500.0
levels = []
members = []
decimals = 1
finer = "round"

[[fields]]
id = "northward_wind_10m"
products = ["GDPS"]
min_spacing_km = 500.0
levels = []
members = []
decimals = 1
finer = "round"

[[fields]]
id = "precipitation_flux"
products = ["GDPS"]
min_spacing_km = 500.0
levels = []
members = []
decimals = 8
finer = "round"

[[fields]]
id = "snowfall_flux"
products = ["GDPS"]
min_spacing_km = 500.0
levels = []
members = []
decimals = 8
finer = "round"

[latency]
min_hours_since_issue = 6
min_hours_since_valid = -240
clock_tolerance_s = 60

[region]
extent = "everywhere"
boxes = []
outside = "deny"

[texts]
unlisted = "deny"
public_hosts = ["data.north.example", "cfconventions.org"]
global_attributes = [
    { name = "Conventions", pattern = "CF-1\\.[0-9]{1,2}", max_length = 10 },
    { name = "title", pattern = ".*", max_length = 2000 },
    { name = "product_version", pattern = "[0-9.]+", max_length = 10 },
]

[input]
library_residue = "allow"

[limits]
max_input_bytes = 4000000
max_values = 100000
max_payload_bytes = 4000000
max_files = 4
max_text_length = 400

[approvals]
max_hours = 72
data_owners = ["@OWNER@"]
release_officers = ["@OFFICER@"]
"#;

/// The statement of a release of one field.
pub const STATEMENT: &str = r#"
schema = "knarr-statement-1"
release_id = "gdps-20261120"
prepared = "2026-11-24T12:00:00Z"
sender = "xx-north"
receiver = "yy-south"
purpose = "research"
title = "Air temperature of the global forecast"
summary = "Air temperature at 2 m from the global deterministic forecast, 12 hours."
mailbox = "data@north.example"
classification_gc = "Unclassified"
classification_eu = "public"
not_before = "2026-11-21T00:00:00Z"

[origin]
product = "GDPS"
run = "2026-11-20T00:00:00Z"
url = "https://data.north.example/gdps/20261120/tas.nc"
accessed = "2026-11-23T00:00:00Z"
licence = "North-Open-1.0"
modified = false

[[files]]
variable = "tas"
field = "air_temperature_2m"
grid = "north-10deg"
earth_relative = true
"#;

/// What the receiver knows; `SENDER`, `OWNER` and `OFFICER` stand for keys.
pub fn pins(sender: &str, owner: &str, officer: &str) -> String {
    format!(
        r#"
schema = "knarr-pins-1"
receiver = "yy-south"
max_bytes = 10000000
max_files = 40
clock_tolerance_s = 60

[[senders]]
id = "xx-north"
keys = ["{sender}"]

[senders.approvals]
max_hours = 72
data_owners = ["{owner}"]
release_officers = ["{officer}"]
"#
    )
}
