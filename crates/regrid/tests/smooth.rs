//! Methods of higher order, and those of classes and amounts.

mod support;

use knarr_grid::{Family, Grid, Layout, LonLat, Mask};
use knarr_regrid::{Keeps, Method, MissingPolicy, Options, Regridder, Weights};

fn build(source: &Grid, destination: &Grid, method: Method) -> Weights {
    Weights::build(source, destination, &Options::new(method)).expect("the source has active cells")
}

/// A field that is smooth on the whole sphere.
fn smooth(grid: &Grid) -> Vec<f64> {
    (0..grid.len())
        .map(|c| {
            let [x, y, z] = grid.center(c).unit();
            2.0 + (2.0 * x + y).sin() * (1.5 * z).cos() + x * y * z
        })
        .collect()
}

fn apply(weights: Weights, values: &[f64]) -> Vec<f64> {
    let regridder = Regridder { weights, missing: MissingPolicy::Propagate };
    regridder.apply(values, None).expect("lengths fit").0
}

fn worst(source: &Grid, destination: &Grid, method: Method) -> f64 {
    let found = apply(build(source, destination, method), &smooth(source));
    found.iter().zip(smooth(destination)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn the_patch_is_of_fourth_order_on_every_kind_of_grid() {
    let grid = |text: &str| Grid::from_spec(text).expect("a valid grid");
    let destination = grid("r50x25");
    for sizes in [["CS20", "CS40", "CS80"], ["H16", "H32", "H64"], ["ICO16", "ICO32", "ICO64"], ["O24", "O48", "O96"]] {
        let errors = sizes.map(|s| worst(&grid(s), &destination, Method::Patch));
        let order = (errors[0] / errors[2]).log2() / 2.0;
        assert!(order > 2.9, "{sizes:?}: order {order}, errors {errors:?}");
    }
}

#[test]
fn the_patch_is_of_fourth_order_along_the_lines_of_a_grid() {
    // South of the slit, where the lines of the grid are smooth.
    let destination = Grid::from_spec("ll:0,-80,7,5,51,28").expect("a valid grid");
    for make in [support::curvilinear, support::folded] {
        let errors = [(40, 20), (80, 40), (160, 80)].map(|(nlon, nlat)| worst(&make(nlon, nlat), &destination, Method::Patch));
        let order = (errors[0] / errors[2]).log2() / 2.0;
        assert!(order > 2.9, "order {order}, errors {errors:?}");
    }
}

/// The surface has no crease along the sides of its quadrangles, whatever the values; bilinear interpolation has.
#[test]
fn the_patch_is_of_continuous_slope_along_the_lines_of_a_grid() {
    let source = support::folded(60, 40);
    let values: Vec<f64> = (0..source.len()).map(|k| ((k * 7919) % 1009) as f64 / 1009.0).collect();
    // A path askew over some twenty quadrangles, with the fold in it, in steps of 1/4000 of a quadrangle.
    let steps = 80_000;
    let at = |k: usize| LonLat { lon_deg: 40.0, lat_deg: 50.0 + 60.0 * k as f64 / steps as f64 };
    let over = |p: LonLat| if p.lat_deg <= 90.0 { p } else { LonLat { lon_deg: p.lon_deg + 180.0, lat_deg: 180.0 - p.lat_deg } };
    let centers = (0..steps).map(|k| over(at(k))).collect();
    let destination = support::grid(Family::Points, vec![steps], Layout::Points { centers });
    let crease = |method| -> f64 {
        let found = apply(build(&source, &destination, method), &values);
        // Slopes per quadrangle, whose values differ by up to 1, before and after a point.
        found.windows(3).map(|f| (f[2] - 2.0 * f[1] + f[0]).abs() * 4000.0).fold(0.0, f64::max)
    };
    let (patch, bilinear) = (crease(Method::Patch), crease(Method::Bilinear));
    // Curvatures of some 30 at the most, over a step of 1/4000.
    assert!(patch < 0.01 && bilinear > 0.5, "{patch} {bilinear}");
}

#[test]
fn bicubic_is_of_fourth_order_on_rows() {
    let grid = |text: &str| Grid::from_spec(text).expect("a valid grid");
    let destination = grid("CS23");
    for sizes in [["r40x20", "r80x40", "r160x80"], ["F12", "F24", "F48"], ["O24", "O48", "O96"], ["9", "4.5", "2.25"]] {
        let errors = sizes.map(|s| worst(&grid(s), &destination, Method::Bicubic));
        let order = (errors[0] / errors[2]).log2() / 2.0;
        // The rows of a reduced grid have 20 cells at the poles, whatever its resolution.
        let least = if sizes[0] == "O24" { 2.9 } else { 3.4 };
        assert!(order > least, "{sizes:?}: order {order}, errors {errors:?}");
    }
}

#[test]
fn bicubic_at_a_mask_and_beyond_a_regional_rim_is_bilinear_or_unmapped() {
    let source = Grid::from_spec("ll:10,20,1,1,12,9").expect("a valid grid");
    let destination = Grid::from_spec("ll:8.3,18.4,0.7,0.7,24,18").expect("a valid grid");
    let masked = source.clone().masked_by(&Mask::from_active((0..source.len()).map(|i| i != 40).collect()));
    for source in [&source, &masked] {
        let (cubic, linear) = (build(source, &destination, Method::Bicubic), build(source, &destination, Method::Bilinear));
        for i in 0..destination.len() {
            assert_eq!(cubic.is_mapped(i), linear.is_mapped(i), "{i}");
            assert!(!cubic.row(i).0.contains(&40) || source.mask.is_active(40));
        }
    }
    let whole = build(&source, &destination, Method::Bicubic);
    let beside = build(&masked, &destination, Method::Bicubic);
    for i in 0..destination.len() {
        let (before, after) = (whole.row(i), beside.row(i));
        // A stencil may hold the masked center with weight 0, on its row or column.
        assert!(before == after || !after.0.contains(&40), "{i}");
        assert!(!before.0.contains(&40) || after.0.len() <= 4, "{i}: not bilinear beside the mask");
    }
}

#[test]
fn constants_are_kept_and_rows_sum_to_one() {
    let destination = Grid::from_spec("r36x18").expect("a valid grid");
    for (name, source) in support::global_grids() {
        for method in [Method::Bicubic, Method::Patch, Method::Gaussian { neighbours: 9 }, Method::Radial { neighbours: 12 }] {
            let weights = build(&source, &destination, method);
            assert_eq!(weights.unmapped_count(), 0, "{name} {method}");
            for i in 0..weights.destination_len() {
                let sum: f64 = weights.row(i).1.iter().sum();
                assert!((sum - 1.0).abs() < 1e-14, "{name} {method}: row {i} sums to {sum}");
            }
        }
    }
}

#[test]
fn radial_functions_beat_inverse_distance_and_keep_linear_fields() {
    let grid = |text: &str| Grid::from_spec(text).expect("a valid grid");
    let (source, destination) = (grid("H32"), grid("r50x25"));
    let radial = worst(&source, &destination, Method::Radial { neighbours: 12 });
    let distance = worst(&source, &destination, Method::Distance { neighbours: 4 });
    assert!(radial < 0.1 * distance, "{radial} {distance}");
    let order = (worst(&grid("H16"), &destination, Method::Radial { neighbours: 12 }) / radial).log2();
    assert!(order > 1.7, "{order}");
}

#[test]
fn the_largest_fraction_is_one_of_the_overlapping_cells() {
    let grid = |text: &str| Grid::from_spec(text).expect("a valid grid");
    let (source, destination) = (grid("r72x36"), grid("H8"));
    let (largest, overlaps) =
        (build(&source, &destination, Method::LargestFraction), build(&source, &destination, Method::Conservative));
    for i in 0..destination.len() {
        let (columns, values) = largest.row(i);
        assert_eq!((columns.len(), values), (1, &[1.0][..]));
        let (all, shares) = overlaps.row(i);
        let mine = shares[all.iter().position(|c| *c == columns[0]).expect("an overlapping cell")];
        assert!(shares.iter().all(|&s| s <= mine * (1.0 + 1e-11)));
    }
}

#[test]
fn every_kilogram_arrives() {
    let grid = |text: &str| Grid::from_spec(text).expect("a valid grid");
    let mut source = grid("r90x45");
    source.mask = Mask::from_active((0..source.len()).map(|i| i % 7 != 0).collect());
    let mut destination = grid("CS20");
    destination.mask = Mask::from_active((0..destination.len()).map(|i| i % 3 == 0).collect());
    let values: Vec<f64> = (0..source.len()).map(|i| ((i * 37) % 101) as f64).collect();
    let active = |i: &usize| source.mask.is_active(*i);
    for radius_m in [0, 900_000] {
        let sum = build(&source, &destination, Method::Spread { radius_m, keeps: Keeps::Sum });
        let arrived: f64 = apply(sum, &values).iter().sum();
        let given: f64 = (0..source.len()).filter(active).map(|i| values[i]).sum();
        assert!((arrived / given - 1.0).abs() < 1e-13, "{radius_m}: {arrived} of {given}");

        let integral = build(&source, &destination, Method::Spread { radius_m, keeps: Keeps::Integral });
        let arrived: f64 = apply(integral, &values).iter().enumerate().map(|(i, v)| v * destination.area(i)).sum();
        let given: f64 = (0..source.len()).filter(active).map(|i| values[i] * source.area(i)).sum();
        assert!((arrived / given - 1.0).abs() < 1e-13, "{radius_m}: {arrived} of {given}");
    }
}

#[test]
fn second_order_keeps_the_integral_and_constants_and_is_of_second_order() {
    let grid = |text: &str| Grid::from_spec(text).expect("a valid grid");
    for (from, to) in
        [("r72x36", "CS20"), ("CS20", "r72x36"), ("H16n", "r60x30"), ("O24", "ICO10d"), ("r72x36", "r50x25"), ("ICO16", "CS16")]
    {
        let (source, destination) = (grid(from), grid(to));
        let weights = build(&source, &destination, Method::Conservative2nd);
        let values = smooth(&source);
        let given: f64 = values.iter().enumerate().map(|(j, v)| v * source.area(j)).sum();
        let arrived: f64 = apply(weights.clone(), &values).iter().enumerate().map(|(i, v)| v * destination.area(i)).sum();
        assert!((arrived / given - 1.0).abs() < 1e-14, "{from} -> {to}: {arrived} of {given}");
        for i in 0..destination.len() {
            let sum: f64 = weights.row(i).1.iter().sum();
            assert!((sum - 1.0).abs() < 4e-15, "{from} -> {to}: row {i} sums to {sum}");
        }
    }
    // Means of a linear function of space over cells: exact up to the curvature of the sphere within a cell.
    let linear = |grid: &Grid| -> Vec<f64> { knarr_means(grid) };
    let errors = ["H8n", "H16n", "H32n"].map(|from| {
        let (source, destination) = (grid(from), grid("CS30"));
        let found = apply(build(&source, &destination, Method::Conservative2nd), &linear(&source));
        found.iter().zip(linear(&destination)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    });
    let order = (errors[0] / errors[2]).log2() / 2.0;
    assert!(order > 1.9, "{order} {errors:?}");
}

/// Means over cells of 0.3 x − 0.5 y + 0.8 z, from the vector area ½ Σ θ n of great-circle polygons.
fn knarr_means(grid: &Grid) -> Vec<f64> {
    use knarr_kernels::sphere::{cross, distance, normalize};
    (0..grid.len())
        .map(|c| {
            let corners = grid.corners(c);
            let mut moment = [0.0; 3];
            for k in 0..corners.len() {
                let (a, b) = (corners[k], corners[(k + 1) % corners.len()]);
                if let Some(n) = normalize(cross(a, b)) {
                    let half = 0.5 * distance(a, b);
                    (0..3).for_each(|i| moment[i] += half * n[i]);
                }
            }
            (0.3 * moment[0] - 0.5 * moment[1] + 0.8 * moment[2]) / grid.area(c)
        })
        .collect()
}
