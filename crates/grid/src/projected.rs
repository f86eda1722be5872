//! Grids on the plane of a map projection.

use crate::axis::{Axis, plane_edges};
use crate::{Action, BadCell, Blemish};
use crate::{CornerSource, Family, Grid, GridError, Layout, LonLat, Mask, Offsets, Polygons, Projection, Report};
use knarr_kernels::sphere::{UnitVector, unit_vector};
use proj4rs::{Proj, adaptors::transform_vertex_2d};
use rayon::prelude::*;

/// Attributes of a CF grid mapping as numbers.
pub(crate) type Parameters = Vec<(String, Vec<f64>)>;

/// Radius in metres where a projection states none: that of the spherical Earth in GRIB2 (code 6).
const DEFAULT_RADIUS_M: f64 = 6_371_229.0;

impl Grid {
    /// Cells between lines of equal x and y of a map projection, shape `[y, x]`, in the order of the axes.
    ///
    /// `name` is a CF `grid_mapping_name`, `parameters` its numeric attributes, `x` and `y` metres:
    /// `polar_stereographic`, `stereographic`, `lambert_conformal_conic`, `lambert_azimuthal_equal_area`,
    /// `albers_conical_equal_area`, `mercator`, `transverse_mercator`, `lambert_cylindrical_equal_area`.
    /// The Earth is the given sphere or ellipsoid (`earth_radius`, or `semi_major_axis` with `semi_minor_axis`
    /// or `inverse_flattening`), else a sphere of 6 371 229 m, which the report then says. Latitudes on an
    /// ellipsoid are geodetic and used as they are. Neighbours share their corners; cells with a corner
    /// outside the projection's domain are dropped.
    ///
    /// # Errors
    /// [`GridError::Projection`] for an unknown or refused projection; [`GridError::BadAxis`] and
    /// [`GridError::WrongLength`] for axes without a use.
    pub fn projected(name: &str, parameters: &[(String, Vec<f64>)], x: &Axis, y: &Axis) -> Result<Grid, GridError> {
        let mut notes = Vec::new();
        let definition = definition(name, parameters, &mut notes)?;
        let plane = Plane::new(&definition)?;
        let (x_edges, x_source, x_notes) = plane_edges("x", x)?;
        let (y_edges, y_source, y_notes) = plane_edges("y", y)?;
        notes.extend(x_notes.into_iter().chain(y_notes));

        let (nx, ny) = (x.centers.len(), y.centers.len());
        let cells = plane.points(&x.centers, &y.centers);
        let corners = plane.points(&x_edges, &y_edges);
        let outside_corner: Vec<bool> = corners.par_iter().map(Option::is_none).collect();
        let vertices: Vec<UnitVector> =
            corners.into_par_iter().map(|p| p.map_or([0.0, 0.0, 1.0], |p| unit_vector(p.lon_deg, p.lat_deg))).collect();

        let mirrored = (x_edges[1] > x_edges[0]) != (y_edges[1] > y_edges[0]);
        let mut indices = Vec::with_capacity(4 * nx * ny);
        let mut centers = Vec::with_capacity(nx * ny);
        let mut active = vec![true; nx * ny];
        let mut bad_cells = Vec::new();
        for j in 0..ny {
            for i in 0..nx {
                let cell = j * nx + i;
                let at = |i: usize, j: usize| j * (nx + 1) + i;
                let quad = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
                let outside = cells[cell].is_none() || quad.iter().any(|&v| outside_corner[v]);
                match (outside, mirrored) {
                    (true, _) => indices.extend([quad[0] as u32; 4]),
                    (false, false) => indices.extend(quad.map(|v| v as u32)),
                    (false, true) => indices.extend([quad[0], quad[3], quad[2], quad[1]].map(|v| v as u32)),
                }
                if outside {
                    active[cell] = false;
                    let center = cells[cell].unwrap_or(LonLat { lon_deg: f64::NAN, lat_deg: f64::NAN });
                    bad_cells.push(BadCell { cell, center, blemish: Blemish::MissingCoordinate, action: Action::Dropped });
                }
                centers.push(cells[cell].unwrap_or(LonLat { lon_deg: 0.0, lat_deg: 0.0 }));
            }
        }
        if !bad_cells.is_empty() {
            notes.push(format!("{} cells lie outside the domain of the projection", bad_cells.len()));
        }
        if x_source != y_source {
            notes.push(format!("x edges: {x_source}; y edges: {y_source}"));
        } else if x_source == CornerSource::Given {
            notes.push("x and y edges are given by the file".into());
        }
        let mut report = Report::new(format!("x and y axes of the projection {name}"), CornerSource::Projection);
        report.notes = notes;
        report.bad_cells = bad_cells;
        let projection = Projection {
            name: name.into(),
            parameters: parameters.to_vec(),
            proj: definition,
            x: x.centers.clone(),
            y: y.centers.clone(),
        };
        Ok(Grid {
            family: Family::Projected(Box::new(projection)),
            shape: vec![ny, nx],
            layout: Layout::Polygons { centers, polygons: Polygons { vertices, offsets: Offsets::Uniform(4), corners: indices } },
            mask: Mask::from_active(active),
            report,
        })
    }
}

impl Projection {
    /// x and y in metres of geographic positions; `None` outside the projection's domain.
    ///
    /// # Errors
    /// [`GridError::Projection`] if the definition is refused.
    pub fn forward(&self, positions: &[LonLat]) -> Result<Vec<Option<[f64; 2]>>, GridError> {
        let plane = Plane::new(&self.proj)?;
        Ok(positions.par_iter().map(|&p| plane.forward(p)).collect())
    }
}

impl Projection {
    /// Geographic positions of x and y in metres; `None` outside the projection's domain.
    ///
    /// # Errors
    /// [`GridError::Projection`] if the definition is refused.
    pub fn inverse(&self, places: &[[f64; 2]]) -> Result<Vec<Option<LonLat>>, GridError> {
        let plane = Plane::new(&self.proj)?;
        Ok(places.par_iter().map(|&[x, y]| plane.inverse(x, y)).collect())
    }
}

/// A projection ready to use.
struct Plane {
    projected: Proj,
    geographic: Proj,
}

impl Plane {
    fn new(definition: &str) -> Result<Self, GridError> {
        let refused = |problem: proj4rs::errors::Error| GridError::Projection {
            definition: definition.into(),
            problem: problem.to_string(),
        };
        let projected = Proj::from_proj_string(definition).map_err(refused)?;
        let earth: Vec<&str> = definition
            .split_whitespace()
            .filter(|word| ["+R=", "+a=", "+b=", "+rf="].iter().any(|key| word.starts_with(key)))
            .collect();
        let geographic = Proj::from_proj_string(&format!("+proj=longlat {}", earth.join(" "))).map_err(refused)?;
        Ok(Self { projected, geographic })
    }

    fn inverse(&self, x: f64, y: f64) -> Option<LonLat> {
        let (lon, lat) = transform_vertex_2d(&self.projected, &self.geographic, (x, y)).ok()?;
        (lon.is_finite() && lat.is_finite()).then(|| LonLat { lon_deg: lon.to_degrees(), lat_deg: lat.to_degrees() })
    }

    fn forward(&self, position: LonLat) -> Option<[f64; 2]> {
        let angles = (position.lon_deg.to_radians(), position.lat_deg.to_radians());
        let (x, y) = transform_vertex_2d(&self.geographic, &self.projected, angles).ok()?;
        (x.is_finite() && y.is_finite()).then_some([x, y])
    }

    /// Positions of all pairs, x fastest.
    fn points(&self, x: &[f64], y: &[f64]) -> Vec<Option<LonLat>> {
        let rows: Vec<Vec<Option<LonLat>>> = y.par_iter().map(|&y| x.iter().map(|&x| self.inverse(x, y)).collect()).collect();
        rows.concat()
    }
}

/// The PROJ string of a CF grid mapping.
fn definition(name: &str, parameters: &[(String, Vec<f64>)], notes: &mut Vec<String>) -> Result<String, GridError> {
    let all = |key: &str| parameters.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_slice()).unwrap_or(&[]);
    let get = |key: &str| all(key).first().copied();
    let refuse = |problem: String| GridError::Projection { definition: name.into(), problem };
    let needed = |key: &str| get(key).ok_or_else(|| refuse(format!("attribute `{key}` is missing")));
    let or_zero = |key: &str| get(key).unwrap_or(0.0);
    if let Some((key, _)) = parameters.iter().find(|(_, v)| v.iter().any(|v| !v.is_finite())) {
        return Err(refuse(format!("attribute `{key}` is not a number")));
    }

    let central = || get("longitude_of_central_meridian").or_else(|| get("longitude_of_projection_origin"));
    let mut proj = match name {
        "polar_stereographic" => {
            let lon = get("straight_vertical_longitude_from_pole")
                .or_else(|| get("longitude_of_projection_origin"))
                .ok_or_else(|| refuse("attribute `straight_vertical_longitude_from_pole` is missing".into()))?;
            let parallel = get("standard_parallel");
            let origin = get("latitude_of_projection_origin").unwrap_or_else(|| 90f64.copysign(parallel.unwrap_or(90.0)));
            let mut text = format!("+proj=stere +lat_0={origin} +lon_0={lon}");
            match (get("scale_factor_at_projection_origin"), parallel) {
                (Some(factor), _) if factor != 1.0 || parallel.is_none() => text += &format!(" +k_0={factor}"),
                (_, Some(parallel)) => text += &format!(" +lat_ts={parallel}"),
                _ => {
                    notes.push("neither standard parallel nor scale factor is given: true at the pole".into());
                    text += &format!(" +lat_ts={origin}");
                }
            }
            text
        }
        "stereographic" => format!(
            "+proj=stere +lat_0={} +lon_0={} +k_0={}",
            needed("latitude_of_projection_origin")?,
            needed("longitude_of_projection_origin")?,
            get("scale_factor_at_projection_origin").unwrap_or(1.0)
        ),
        "lambert_conformal_conic" => {
            let parallels = all("standard_parallel");
            let first = *parallels.first().ok_or_else(|| refuse("attribute `standard_parallel` is missing".into()))?;
            let second = parallels.get(1).copied().unwrap_or(first);
            let origin = get("latitude_of_projection_origin").unwrap_or(first);
            let lon = central().ok_or_else(|| refuse("attribute `longitude_of_central_meridian` is missing".into()))?;
            format!("+proj=lcc +lat_1={first} +lat_2={second} +lat_0={origin} +lon_0={lon}")
        }
        "albers_conical_equal_area" => {
            let parallels = all("standard_parallel");
            let first = *parallels.first().ok_or_else(|| refuse("attribute `standard_parallel` is missing".into()))?;
            let second = parallels.get(1).copied().unwrap_or(first);
            let lon = central().ok_or_else(|| refuse("attribute `longitude_of_central_meridian` is missing".into()))?;
            let origin = or_zero("latitude_of_projection_origin");
            format!("+proj=aea +lat_1={first} +lat_2={second} +lat_0={origin} +lon_0={lon}")
        }
        "lambert_azimuthal_equal_area" => format!(
            "+proj=laea +lat_0={} +lon_0={}",
            needed("latitude_of_projection_origin")?,
            needed("longitude_of_projection_origin")?
        ),
        "mercator" => {
            let lon = central().unwrap_or(0.0);
            match (get("standard_parallel"), get("scale_factor_at_projection_origin")) {
                (Some(parallel), _) => format!("+proj=merc +lon_0={lon} +lat_ts={parallel}"),
                (None, factor) => format!("+proj=merc +lon_0={lon} +k_0={}", factor.unwrap_or(1.0)),
            }
        }
        "transverse_mercator" => format!(
            "+proj=tmerc +lat_0={} +lon_0={} +k_0={}",
            or_zero("latitude_of_projection_origin"),
            central().ok_or_else(|| refuse("attribute `longitude_of_central_meridian` is missing".into()))?,
            get("scale_factor_at_central_meridian").unwrap_or(1.0)
        ),
        "lambert_cylindrical_equal_area" => {
            format!("+proj=cea +lon_0={} +lat_ts={}", central().unwrap_or(0.0), or_zero("standard_parallel"))
        }
        _ => return Err(refuse("this projection is not supported".into())),
    };
    proj += &format!(" +x_0={} +y_0={}", or_zero("false_easting"), or_zero("false_northing"));
    proj += &earth(&get, notes);
    Ok(proj + " +units=m +no_defs")
}

/// The sphere or ellipsoid in PROJ's terms.
fn earth(get: &dyn Fn(&str) -> Option<f64>, notes: &mut Vec<String>) -> String {
    let major = get("semi_major_axis").filter(|&a| a > 0.0);
    let minor = get("semi_minor_axis").filter(|&b| b > 0.0);
    let flattening = get("inverse_flattening").filter(|&rf| rf > 0.0);
    match (major, minor, flattening, get("earth_radius").filter(|&r| r > 0.0)) {
        (Some(a), Some(b), _, _) if a != b => format!(" +a={a} +b={b}"),
        (Some(a), None, Some(rf), _) => format!(" +a={a} +rf={rf}"),
        (Some(a), ..) => format!(" +R={a}"),
        (None, _, _, Some(radius)) => format!(" +R={radius}"),
        _ => {
            notes.push(format!("no figure of the Earth is given: a sphere of {DEFAULT_RADIUS_M} m is taken"));
            format!(" +R={DEFAULT_RADIUS_M}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(list: &[(&str, &[f64])]) -> Vec<(String, Vec<f64>)> {
        list.iter().map(|(k, v)| (k.to_string(), v.to_vec())).collect()
    }

    fn axes() -> (Axis, Axis) {
        (Axis::regular(-400_000.0, 50_000.0, 17), Axis::regular(-300_000.0, 50_000.0, 13))
    }

    /// Every projection, with false easting and northing that put (0, 0) inside Canada.
    fn projections() -> Vec<(&'static str, Parameters)> {
        let wgs84: [(&str, &[f64]); 2] = [("semi_major_axis", &[6_378_137.0]), ("inverse_flattening", &[298.257_223_563])];
        let with_earth = |list: &[(&str, &[f64])]| {
            let mut all = numbers(list);
            all.extend(numbers(&wgs84));
            all
        };
        let conic: [(&str, &[f64]); 3] = [
            ("standard_parallel", &[49.0, 77.0]),
            ("longitude_of_central_meridian", &[-95.0]),
            ("latitude_of_projection_origin", &[63.0]),
        ];
        let pole: [(&str, &[f64]); 4] = [
            ("straight_vertical_longitude_from_pole", &[-100.0]),
            ("latitude_of_projection_origin", &[90.0]),
            ("standard_parallel", &[60.0]),
            ("false_northing", &[3.0e6]),
        ];
        let azimuthal: [(&str, &[f64]); 2] =
            [("longitude_of_projection_origin", &[-100.0]), ("latitude_of_projection_origin", &[60.0])];
        let cylinder: [(&str, &[f64]); 2] = [("longitude_of_central_meridian", &[-100.0]), ("standard_parallel", &[50.0])];
        let mut out = Vec::new();
        for (name, list) in [
            ("lambert_conformal_conic", &conic[..]),
            ("albers_conical_equal_area", &conic[..]),
            ("polar_stereographic", &pole[..]),
            ("stereographic", &azimuthal[..]),
            ("lambert_azimuthal_equal_area", &azimuthal[..]),
            ("mercator", &cylinder[..]),
            ("transverse_mercator", &cylinder[..1]),
            ("lambert_cylindrical_equal_area", &cylinder[..]),
        ] {
            out.push((name, numbers(list)));
            out.push((name, with_earth(list)));
        }
        out
    }

    #[test]
    fn every_projection_goes_there_and_back() {
        let (x, y) = axes();
        for (name, parameters) in projections() {
            let grid = Grid::projected(name, &parameters, &x, &y).unwrap();
            let Family::Projected(projection) = &grid.family else { panic!("{name}") };
            let centers: Vec<LonLat> = (0..grid.len()).map(|c| grid.center(c)).collect();
            for (cell, back) in projection.forward(&centers).unwrap().into_iter().enumerate() {
                let [x, y] = back.unwrap_or_else(|| panic!("{name} cell {cell}"));
                let (i, j) = (cell % 17, cell / 17);
                // The ellipsoidal inverses iterate to 1e-10 rad, 0.6 mm.
                assert!((x - projection.x[i]).abs() < 1e-3 && (y - projection.y[j]).abs() < 1e-3, "{name} {cell}: {x} {y}");
            }
            for cell in 0..grid.len() {
                assert!(grid.area(cell) > 0.0, "{name}: corners must turn counter-clockwise");
            }
            assert!(grid.report.bad_cells.is_empty());
        }
    }

    #[test]
    fn equal_area_projections_have_equal_cells() {
        let (x, y) = axes();
        for (name, parameters) in projections() {
            if !name.ends_with("equal_area") || parameters.iter().any(|(k, _)| k == "semi_major_axis") {
                continue;
            }
            let grid = Grid::projected(name, &parameters, &x, &y).unwrap();
            let expected = (50_000.0 / DEFAULT_RADIUS_M).powi(2);
            for cell in 0..grid.len() {
                // Great circles instead of the plane's lines: (side)² = 6e-5 relative per edge, which nearly cancels.
                assert!((grid.area(cell) / expected - 1.0).abs() < 2e-4, "{name} {}", grid.area(cell) / expected - 1.0);
            }
        }
    }

    #[test]
    fn orientation_of_the_axes_does_not_matter() {
        let (name, parameters) = projections().swap_remove(4);
        let (x, y) = axes();
        let flip = |axis: &Axis| Axis::new(axis.centers.iter().rev().copied().collect());
        let total = |x: &Axis, y: &Axis| Grid::projected(name, &parameters, x, y).unwrap().covered_fraction();
        let expected = total(&x, &y);
        for (x, y) in [(flip(&x), y.clone()), (x.clone(), flip(&y)), (flip(&x), flip(&y))] {
            assert!((total(&x, &y) / expected - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn neighbours_share_corners() {
        let (name, parameters) = projections().swap_remove(0);
        let (x, y) = axes();
        let grid = Grid::projected(name, &parameters, &x, &y).unwrap();
        assert_eq!(grid.corners(0)[1], grid.corners(1)[0]);
        assert_eq!(grid.corners(0)[2], grid.corners(18)[0]);
        let Layout::Polygons { polygons, .. } = &grid.layout else { panic!() };
        assert_eq!(polygons.vertices.len(), 18 * 14);
    }

    #[test]
    fn cells_beyond_the_horizon_are_dropped_one_by_one() {
        let parameters = numbers(&[("longitude_of_projection_origin", &[0.0]), ("latitude_of_projection_origin", &[90.0])]);
        // The whole Earth is a disc of radius 2R = 12 742 458 m.
        let axis = Axis::regular(-12.5e6, 1.0e6, 26);
        let grid = Grid::projected("lambert_azimuthal_equal_area", &parameters, &axis, &axis).unwrap();
        assert!(grid.report.bad_cells.len() > 100 && grid.active_count() == grid.len() - grid.report.bad_cells.len());
        for bad in &grid.report.bad_cells {
            assert!(grid.corners(bad.cell).is_empty() && grid.area(bad.cell) == 0.0);
        }
        assert!(grid.covered_fraction() > 0.8 && grid.covered_fraction() < 1.0);
    }

    #[test]
    fn the_earth_taken_is_told() {
        let (name, parameters) = projections().swap_remove(0);
        let (x, y) = axes();
        let grid = Grid::projected(name, &parameters, &x, &y).unwrap();
        assert!(grid.report.notes.iter().any(|n| n.contains("6371229")), "{:?}", grid.report.notes);
        let mut with = parameters.clone();
        with.extend(numbers(&[("earth_radius", &[6_371_000.0])]));
        let grid = Grid::projected(name, &with, &x, &y).unwrap();
        assert!(grid.report.notes.is_empty(), "{:?}", grid.report.notes);
        let Family::Projected(projection) = grid.family else { panic!() };
        assert!(projection.proj.contains("+R=6371000"), "{}", projection.proj);
    }

    #[test]
    fn unknown_and_incomplete_projections_are_refused() {
        let (x, y) = axes();
        let unknown = Grid::projected("oblique_whatever", &[], &x, &y);
        assert!(matches!(unknown, Err(GridError::Projection { .. })), "{unknown:?}");
        let incomplete = Grid::projected("lambert_conformal_conic", &[], &x, &y).unwrap_err();
        assert!(incomplete.to_string().contains("standard_parallel"), "{incomplete}");
    }
}
