//! Grids named in short: `r360x180`, `0.25`, `N80`, `H128n`, `rot:...`, ids of the exchange catalogue.

use crate::catalogue;
use crate::projected::Parameters;
use crate::{Axis, Grid, GridError, HealpixOrder, reduced};

/// A specification that [`Grid::from_spec`] takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecInfo {
    /// What to type; an example where numbers may be chosen.
    pub spec: String,
    /// What it means.
    pub meaning: String,
}

/// Forms of specifications: an example each that parses, and its meaning.
const FORMS: [(&str, &str); 19] = [
    ("r360x180", "global lat-lon, first center at 0 E, rows from south to north, none at a pole"),
    ("0.25", "global lat-lon of that spacing, from 90 N 0 E, rows at the poles as grid points"),
    ("0.5/0.25", "the same with spacing of longitude / latitude"),
    ("ll:-150,20,0.25,0.25,400,280", "lat-lon region: LON0,LAT0,DLON,DLAT,NI,NJ; first center, steps, cells"),
    ("F80", "regular Gaussian, 80 rows between pole and equator"),
    ("n80", "the same"),
    ("N80", "classic reduced Gaussian, 80 rows between pole and equator"),
    ("O80", "octahedral reduced Gaussian, 80 rows between pole and equator"),
    ("H128", "HEALPix nside 128, ring order"),
    ("H128n", "HEALPix nside 128, nested order"),
    ("healpix:128:nested", "the same; or :ring"),
    ("hp128", "HEALPix nside 128, ring order"),
    ("hp128n", "HEALPix nside 128, nested order"),
    ("CS90", "equiangular cubed sphere, 90 x 90 cells a face"),
    ("ICO64", "icosahedral triangles, edges in 64 parts"),
    ("ICO64d", "pentagons and hexagons around the corners of those triangles"),
    ("rot:-162,39.25,-28.375,-23.375,0.11,0.11,424,412", "rotated lat-lon: POLE_LON,POLE_LAT,LON0,LAT0,DLON,DLAT,NI,NJ"),
    (
        "ps:lat_ts=60,lon_0=-100,dx=50000,nx=100,ny=90",
        "polar stereographic: lat_ts or k_0, lon_0, lat_0 (90), dx, dy (dx), nx, ny; first center x0, y0 (so that the grid is centered), false origin x_0, y_0 (0), radius r (6371229); metres",
    ),
    (
        "lcc:lat_1=50,lat_2=50,lon_0=-107,dx=10000,nx=300,ny=200",
        "Lambert conformal conic: lat_1, lat_2 (lat_1), lat_0 (lat_1), lon_0, then as ps",
    ),
];

/// Every form of specification with an example, then every id of the exchange catalogue.
pub fn specs() -> Vec<SpecInfo> {
    let forms = FORMS.iter().map(|(spec, meaning)| SpecInfo { spec: (*spec).into(), meaning: (*meaning).into() });
    let ids = catalogue::entries().into_iter().map(|entry| SpecInfo {
        meaning: match &entry.missing {
            Some(missing) => format!("{} (not fully specified: {missing})", entry.meaning),
            None => entry.meaning,
        },
        spec: entry.id,
    });
    forms.chain(ids).collect()
}

impl Grid {
    /// The grid that `spec` names; [`specs`] lists the forms.
    ///
    /// ```
    /// use knarr_grid::Grid;
    /// assert_eq!(Grid::from_spec("r360x180")?.shape, [180, 360]);
    /// assert_eq!(Grid::from_spec("H8n")?.len(), 768);
    /// assert!(Grid::from_spec("H9x").unwrap_err().to_string().contains("did you mean"));
    /// # Ok::<(), knarr_grid::GridError>(())
    /// ```
    ///
    /// # Errors
    /// [`GridError::UnknownSpec`] with near matches if the form is unknown, [`GridError::BadSpec`] if a number
    /// does not fit it or a grid of the catalogue is not fully specified.
    pub fn from_spec(spec: &str) -> Result<Grid, GridError> {
        let spec = spec.trim();
        match parse(spec) {
            Some(Ok(mut grid)) => {
                grid.report.recognised_by = format!("specification `{spec}`");
                Ok(grid)
            }
            Some(Err(error @ GridError::BadSpec { .. })) => Err(error),
            // What a constructor refuses is something in the specification.
            Some(Err(error)) => Err(bad(spec, error.to_string())),
            None => from_catalogue(spec),
        }
    }
}

/// The grid of the exchange catalogue whose id is `spec`.
fn from_catalogue(spec: &str) -> Result<Grid, GridError> {
    let entry = catalogue::entries().into_iter().find(|entry| entry.id.eq_ignore_ascii_case(spec));
    let Some(entry) = entry else { return Err(unknown(spec)) };
    let Some(definition) = entry.spec else {
        let missing = entry.missing.unwrap_or_default();
        return Err(bad(spec, format!("the catalogue does not specify it fully: it lacks {missing}; use a file")));
    };
    let mut grid = parse(&definition).unwrap_or_else(|| Err(unknown(&definition)))?;
    grid.report.recognised_by = format!("id of the exchange catalogue: {}", entry.meaning);
    grid.report.notes.insert(0, format!("the same as `{definition}`"));
    Ok(grid)
}

fn bad(spec: &str, problem: impl Into<String>) -> GridError {
    GridError::BadSpec { spec: spec.into(), problem: problem.into() }
}

fn unknown(spec: &str) -> GridError {
    // Numbers are free in most forms, so each form is also compared with its numbers left out.
    let likeness = |name: &str| {
        let (wanted, name) = (spec.to_lowercase(), name.to_lowercase());
        strsim::jaro_winkler(&wanted, &name).max(strsim::jaro_winkler(&without_numbers(&wanted), &without_numbers(&name)) - 0.01)
    };
    let mut near: Vec<(f64, String)> =
        specs().into_iter().map(|info| (likeness(&info.spec), info.spec)).filter(|(likeness, _)| *likeness > 0.75).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    GridError::UnknownSpec { spec: spec.into(), near: near.into_iter().take(3).map(|(_, name)| name).collect() }
}

/// Each run of digits as one `#`.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            _ => out.push(c),
        }
    }
    out
}

/// What a form makes of `spec`; `None` if the form is unknown.
pub(crate) fn parse(spec: &str) -> Option<Result<Grid, GridError>> {
    if let Some((form, list)) = spec.split_once(':') {
        return match form.to_ascii_lowercase().as_str() {
            "ll" => Some(lat_lon_region(spec, list)),
            "rot" => Some(rotated(spec, list)),
            "ps" => Some(polar_stereographic(spec, list)),
            "lcc" => Some(lambert(spec, list)),
            "healpix" => Some(healpix_words(spec, list)),
            _ => None,
        };
    }
    if let Some((nx, ny)) = spec.strip_prefix('r').and_then(|rest| rest.split_once('x')) {
        return Some(global(spec, integer(nx)?, integer(ny)?));
    }
    if spec.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        let (lon, lat) = spec.split_once('/').unwrap_or((spec, spec));
        return Some(spacing(spec, lon.parse().ok()?, lat.parse().ok()?));
    }
    let digits = spec.find(|c: char| c.is_ascii_digit())?;
    let (letters, rest) = spec.split_at(digits);
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (n, suffix) = (integer(&rest[..end])?, &rest[end..]);
    // Only `N` and `n` differ by case, as in the programs they come from.
    let kind = if letters == "N" { "N".to_string() } else { letters.to_ascii_lowercase() };
    match (kind.as_str(), suffix.to_ascii_lowercase().as_str()) {
        ("f" | "n", "") => Some(gaussian(spec, n)),
        ("N", "") => Some(classic(spec, n)),
        ("o", "") => Some(Grid::reduced_gaussian(n, None)),
        ("h" | "hp", "" | "r") => Some(Grid::healpix(n, HealpixOrder::Ring)),
        ("h" | "hp", "n") => Some(Grid::healpix(n, HealpixOrder::Nested)),
        ("cs", "") => Some(Grid::cubed_sphere(n)),
        ("ico", "") => Some(Grid::icosahedral_triangles(n)),
        ("ico", "d") => Some(Grid::icosahedral_dual(n)),
        _ => None,
    }
}

fn integer(text: &str) -> Option<usize> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Cells that 32-bit indices can number.
fn check_size(spec: &str, nx: usize, ny: usize) -> Result<(), GridError> {
    let most = u32::MAX as usize;
    if nx == 0 || ny == 0 || nx > most || ny > most || nx * ny > most {
        return Err(bad(spec, format!("{nx} x {ny} cells, expected 1 to {most} cells")));
    }
    Ok(())
}

fn global(spec: &str, nx: usize, ny: usize) -> Result<Grid, GridError> {
    check_size(spec, nx, ny)?;
    let lon = whole_circle(nx);
    let step = 180.0 / ny as f64;
    let centers = (0..ny).map(|j| (180 * (2 * j + 1)) as f64 / (2 * ny) as f64 - 90.0).collect();
    let lat = match ny {
        1 => Axis { centers, bounds: Some(vec![[-90.0, 90.0]]) },
        // Spelt out, so that no row is mistaken for a Gaussian one on tiny grids.
        _ => {
            let edge = |j: usize| if j == ny { 90.0 } else { j as f64 * step - 90.0 };
            Axis { centers, bounds: Some((0..ny).map(|j| [edge(j), edge(j + 1)]).collect()) }
        }
    };
    let mut grid = Grid::lat_lon(&lon, &lat)?;
    // The bounds came from the formula above, not from a file.
    grid.report.corners = crate::CornerSource::Formula;
    grid.report.notes.clear();
    Ok(grid)
}

fn whole_circle(nx: usize) -> Axis {
    let centers = (0..nx).map(|i| (360 * i) as f64 / nx as f64).collect();
    let bounds = (nx == 1).then(|| vec![[-180.0, 180.0]]);
    Axis { centers, bounds }
}

fn spacing(spec: &str, dlon: f64, dlat: f64) -> Result<Grid, GridError> {
    if !(dlon > 0.0 && dlat > 0.0 && dlon <= 120.0 && dlat <= 90.0) {
        return Err(bad(spec, "spacing must be above 0 and at most 120 degrees of longitude, 90 of latitude"));
    }
    let nx = (360.0 / dlon).round();
    if (nx * dlon - 360.0).abs() > 1e-9 * 360.0 {
        return Err(bad(spec, format!("360 degrees are not a whole number of steps of {dlon}")));
    }
    // Rows lie on multiples of the spacing; where the poles are not among them the last rows end there.
    let half = (90.0 / dlat + 1e-9).floor();
    check_size(spec, nx as usize, 2 * half as usize + 1)?;
    let from_equator = if (2.0 * half * dlat - 180.0).abs() < 1e-9 { 90.0 / half } else { dlat };
    let whole_rows = (180.0 / dlat).round();
    let lats = if (whole_rows * dlat - 180.0).abs() < 1e-7 {
        // With an odd number of steps from pole to pole no row lies on the equator.
        (0..=whole_rows as usize).map(|j| 90.0 - 180.0 * j as f64 / whole_rows).collect()
    } else {
        (0..=2 * half as usize).map(|j| (half - j as f64) * from_equator).collect()
    };
    Grid::lat_lon(&whole_circle(nx as usize), &Axis::new(lats))
}

fn gaussian(spec: &str, n: usize) -> Result<Grid, GridError> {
    if !(2..=16_000).contains(&n) {
        return Err(bad(spec, format!("{n} rows between pole and equator, expected 2 to 16000")));
    }
    Grid::lat_lon(&whole_circle(4 * n), &Axis::new(crate::gaussian_latitudes(n)))
}

fn classic(spec: &str, n: usize) -> Result<Grid, GridError> {
    let counts = reduced::classic_counts(n).ok_or_else(|| {
        let known: Vec<String> = reduced::classic_sizes().iter().map(|n| format!("N{n}")).collect();
        bad(spec, format!("its row lengths are not in the table; known are {}; O{n} needs no table", known.join(", ")))
    })?;
    Grid::reduced_gaussian(n, Some(counts))
}

fn healpix_words(spec: &str, list: &str) -> Result<Grid, GridError> {
    let (nside, order) = list.split_once(':').unwrap_or((list, "ring"));
    let nside = integer(nside).ok_or_else(|| bad(spec, format!("`{nside}` is not a number of cells")))?;
    match order.to_ascii_lowercase().as_str() {
        "ring" | "r" => Grid::healpix(nside, HealpixOrder::Ring),
        "nested" | "nest" | "n" => Grid::healpix(nside, HealpixOrder::Nested),
        _ => Err(bad(spec, format!("order `{order}` is unknown, expected `ring` or `nested`"))),
    }
}

/// Numbers between commas.
fn numbers<const N: usize>(spec: &str, list: &str, names: &str) -> Result<[f64; N], GridError> {
    let words: Vec<&str> = list.split(',').map(str::trim).collect();
    if words.len() != N {
        return Err(bad(spec, format!("{} values, expected {N}: {names}", words.len())));
    }
    let mut out = [0.0; N];
    for (value, word) in out.iter_mut().zip(words) {
        *value = number(spec, word)?;
    }
    Ok(out)
}

fn number(spec: &str, word: &str) -> Result<f64, GridError> {
    word.parse().ok().filter(|v: &f64| v.is_finite()).ok_or_else(|| bad(spec, format!("`{word}` is not a number")))
}

fn count(spec: &str, name: &str, value: f64) -> Result<usize, GridError> {
    if value.fract() != 0.0 || !(1.0..=1e9).contains(&value) {
        return Err(bad(spec, format!("{name} is {value}, expected a whole number of cells")));
    }
    Ok(value as usize)
}

/// An axis with the bounds that a single cell needs too.
fn stepped(spec: &str, name: &str, first: f64, step: f64, n: usize) -> Result<Axis, GridError> {
    if step == 0.0 {
        return Err(bad(spec, format!("the step of {name} is 0")));
    }
    let mut axis = Axis::regular(first, step, n);
    if n == 1 {
        axis.bounds = Some(vec![[first - 0.5 * step, first + 0.5 * step]]);
    }
    Ok(axis)
}

fn lat_lon_region(spec: &str, list: &str) -> Result<Grid, GridError> {
    let [lon0, lat0, dlon, dlat, ni, nj] = numbers(spec, list, "LON0,LAT0,DLON,DLAT,NI,NJ")?;
    let (ni, nj) = (count(spec, "NI", ni)?, count(spec, "NJ", nj)?);
    check_size(spec, ni, nj)?;
    if dlon.abs() * ni as f64 > 360.0 * (1.0 + 1e-9) {
        return Err(bad(spec, format!("{ni} steps of {dlon} degrees go round the globe more than once")));
    }
    Grid::lat_lon(&stepped(spec, "longitude", lon0, dlon, ni)?, &stepped(spec, "latitude", lat0, dlat, nj)?)
}

fn rotated(spec: &str, list: &str) -> Result<Grid, GridError> {
    let [pole_lon, pole_lat, lon0, lat0, dlon, dlat, ni, nj] =
        numbers(spec, list, "POLE_LON,POLE_LAT,LON0,LAT0,DLON,DLAT,NI,NJ")?;
    let (ni, nj) = (count(spec, "NI", ni)?, count(spec, "NJ", nj)?);
    check_size(spec, ni, nj)?;
    let rlon = stepped(spec, "longitude", lon0, dlon, ni)?;
    let rlat = stepped(spec, "latitude", lat0, dlat, nj)?;
    Grid::rotated(pole_lon, pole_lat, 0.0, &rlon, &rlat)
}

/// `key=value` pairs, each key known and given once.
struct Pairs<'a> {
    spec: &'a str,
    values: Vec<(&'a str, f64)>,
}

impl<'a> Pairs<'a> {
    fn new(spec: &'a str, list: &'a str, keys: &[&str]) -> Result<Self, GridError> {
        let mut values: Vec<(&str, f64)> = Vec::new();
        for pair in list.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| bad(spec, format!("`{pair}` is not KEY=VALUE")))?;
            if !keys.contains(&key) {
                return Err(bad(spec, format!("key `{key}` is unknown, expected one of {}", keys.join(", "))));
            }
            if values.iter().any(|(k, _)| *k == key) {
                return Err(bad(spec, format!("key `{key}` is given twice")));
            }
            values.push((key, number(spec, value)?));
        }
        Ok(Self { spec, values })
    }

    fn get(&self, key: &str) -> Option<f64> {
        self.values.iter().find(|(k, _)| *k == key).map(|(_, value)| *value)
    }

    fn need(&self, key: &str) -> Result<f64, GridError> {
        self.get(key).ok_or_else(|| bad(self.spec, format!("key `{key}` is missing")))
    }

    /// The axes of the plane, and the attributes that every projection has.
    fn plane(&self) -> Result<(Axis, Axis, Parameters), GridError> {
        let (nx, ny) = (count(self.spec, "nx", self.need("nx")?)?, count(self.spec, "ny", self.need("ny")?)?);
        check_size(self.spec, nx, ny)?;
        let dx = self.need("dx")?;
        let dy = self.get("dy").unwrap_or(dx);
        let (east, north) = (self.get("x_0").unwrap_or(0.0), self.get("y_0").unwrap_or(0.0));
        let x0 = self.get("x0").unwrap_or(east - 0.5 * dx * (nx - 1) as f64);
        let y0 = self.get("y0").unwrap_or(north - 0.5 * dy * (ny - 1) as f64);
        let common = vec![
            ("false_easting".to_string(), vec![east]),
            ("false_northing".to_string(), vec![north]),
            ("earth_radius".to_string(), vec![self.get("r").unwrap_or(6_371_229.0)]),
        ];
        Ok((stepped(self.spec, "x", x0, dx, nx)?, stepped(self.spec, "y", y0, dy, ny)?, common))
    }
}

const PLANE_KEYS: [&str; 9] = ["dx", "dy", "nx", "ny", "x0", "y0", "x_0", "y_0", "r"];

fn polar_stereographic(spec: &str, list: &str) -> Result<Grid, GridError> {
    let keys = [&["lat_ts", "k_0", "lon_0", "lat_0"][..], &PLANE_KEYS].concat();
    let pairs = Pairs::new(spec, list, &keys)?;
    let (x, y, common) = pairs.plane()?;
    let (parallel, factor) = (pairs.get("lat_ts"), pairs.get("k_0"));
    let origin = pairs.get("lat_0").unwrap_or_else(|| 90f64.copysign(parallel.unwrap_or(90.0)));
    let mut parameters = vec![
        ("straight_vertical_longitude_from_pole".to_string(), vec![pairs.need("lon_0")?]),
        ("latitude_of_projection_origin".to_string(), vec![origin]),
    ];
    match (parallel, factor) {
        (Some(parallel), None) => parameters.push(("standard_parallel".into(), vec![parallel])),
        (None, Some(factor)) => parameters.push(("scale_factor_at_projection_origin".into(), vec![factor])),
        _ => return Err(bad(spec, "expected one of the keys `lat_ts` and `k_0`")),
    }
    parameters.extend(common);
    Grid::projected("polar_stereographic", &parameters, &x, &y)
}

fn lambert(spec: &str, list: &str) -> Result<Grid, GridError> {
    let keys = [&["lat_1", "lat_2", "lat_0", "lon_0"][..], &PLANE_KEYS].concat();
    let pairs = Pairs::new(spec, list, &keys)?;
    let (x, y, common) = pairs.plane()?;
    let first = pairs.need("lat_1")?;
    let second = pairs.get("lat_2").unwrap_or(first);
    let parallels = if first == second { vec![first] } else { vec![first, second] };
    let mut parameters = vec![
        ("standard_parallel".to_string(), parallels),
        ("longitude_of_central_meridian".to_string(), vec![pairs.need("lon_0")?]),
        ("latitude_of_projection_origin".to_string(), vec![pairs.get("lat_0").unwrap_or(first)]),
    ];
    parameters.extend(common);
    Grid::projected("lambert_conformal_conic", &parameters, &x, &y)
}
